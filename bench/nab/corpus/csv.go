package corpus

import (
	"encoding/csv"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/foundation-os/otelcol-foundation/bench/nab/score"
)

// parse reads a header and rows of a time and a value. Line ends may be those
// of any system.
func parse(text string) ([]Point, error) {
	r := csv.NewReader(strings.NewReader(strings.TrimPrefix(text, "\ufeff")))
	r.TrimLeadingSpace = true
	rows, err := r.ReadAll()
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, nil
	}
	timeAt, valueAt := slices.Index(rows[0], "timestamp"), slices.Index(rows[0], "value")
	if timeAt < 0 || valueAt < 0 {
		return nil, fmt.Errorf("the columns are %q, timestamp and value are needed", rows[0])
	}
	points := make([]Point, 0, len(rows)-1)
	for i, row := range rows[1:] {
		at, err := parseTime(row[timeAt])
		if err != nil {
			return nil, fmt.Errorf("row %d: %w", i+2, err)
		}
		v, err := strconv.ParseFloat(strings.TrimSpace(row[valueAt]), 64)
		if err != nil {
			return nil, fmt.Errorf("row %d: %w", i+2, err)
		}
		points = append(points, Point{at, v})
	}
	return points, nil
}

// parseTime reads what the benchmark writes, with or without a fraction of the
// second (which Go accepts after any layout's seconds).
func parseTime(text string) (time.Time, error) {
	return time.Parse(time.DateTime, strings.Replace(strings.TrimSpace(text), "T", " ", 1))
}

// find turns windows of times into windows of indexes, sorted. Where several
// rows have the time of a bound, the first of them is the bound, as in the
// benchmark's own program; where none has, the nearest within the window is.
func find(points []Point, labels [][2]string) ([]score.Window, error) {
	windows := make([]score.Window, 0, len(labels))
	for _, l := range labels {
		from, err := parseTime(l[0])
		if err != nil {
			return nil, err
		}
		to, err := parseTime(l[1])
		if err != nil {
			return nil, err
		}
		w := score.Window{
			First: slices.IndexFunc(points, func(p Point) bool { return !p.At.Before(from) }),
			Last:  slices.IndexFunc(points, func(p Point) bool { return !p.At.Before(to) }),
		}
		if w.Last < 0 {
			w.Last = len(points) - 1
		} else if points[w.Last].At.After(to) {
			w.Last--
		}
		if w.First < 0 || w.Last < w.First {
			return nil, fmt.Errorf("the window from %s to %s holds no row", l[0], l[1])
		}
		windows = append(windows, w)
	}
	slices.SortFunc(windows, func(a, b score.Window) int { return a.First - b.First })
	return windows, nil
}
