// Command clean measures the degradation processor on noise in which nothing
// happens, and on the same noise with a step in it.
//
//	go run ./bench/clean -series 10000
//
// Every series is log-normal with one deviation of its logarithm, a point a
// minute for 24 hours of event time: a gauge of single values, or a delta
// histogram of 50. Each line is a form, a deviation, a mode, its false episodes
// a series and day, and the share of steps of ×1.5 and of ×1.2, two hours long
// from the twelfth hour on, in which an episode begins, with its median delay.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/foundation-os/otelcol-foundation/bench/internal/drive"
)

// sigmas are the deviations of the logarithm: steady, usual, wild. A single
// value lies within ±10 %, between 0.6 and 1.6 times, between 0.4 and 2.7 times
// the median two times in three.
var sigmas = []float64{0.1, 0.5, 1}

// steps are the factors of the degradations.
var steps = []float64{1.5, 1.2}

// perHistogram is how many measurements make an interval.
const perHistogram = 50

func main() {
	series := flag.Int("series", 10000, "how many series of each kind")
	stepped := flag.Int("stepped", 1000, "how many of each kind with a step")
	flag.Parse()
	if *series < 1 || *stepped < 0 || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	if err := run(os.Stdout, os.Stderr, *series, *stepped); err != nil {
		fmt.Fprintln(os.Stderr, "clean:", err)
		os.Exit(1)
	}
}

func run(out, notes io.Writer, series, stepped int) error {
	for _, f := range []form{gauge, histogram} {
		for _, sigma := range sigmas {
			rows, err := measure(f, sigma, series, stepped)
			if err != nil {
				return err
			}
			for _, r := range rows {
				fmt.Fprintln(out, r)
			}
		}
	}
	for _, mode := range drive.Modes() {
		if d, err := drive.New(mode, nil); errors.Is(err, drive.ErrNoMode) {
			fmt.Fprintln(notes, "skipped:", err)
		} else if err == nil {
			err = d.Close()
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// row is a line of the table.
type row struct {
	form     form
	sigma    float64
	mode     string
	false24h float64 // episodes a series and day
	found    []share // by steps
}

type share struct {
	of     float64 // 0 to 1
	median time.Duration
}

func (r row) String() string {
	var s strings.Builder
	fmt.Fprintf(&s, "%s σ %.1f %s false %.4f", r.form, r.sigma, r.mode, r.false24h)
	for i, f := range r.found {
		fmt.Fprintf(&s, " ×%v %.1f %%", steps[i], 100*f.of)
		if f.of > 0 {
			fmt.Fprintf(&s, " after %s", f.median)
		}
	}
	return s.String()
}

// measure runs every mode there is over the same values.
func measure(f form, sigma float64, series, stepped int) ([]row, error) {
	quiet, err := episodes(f, sigma, series, 1)
	if err != nil {
		return nil, err
	}
	var rows []row
	for _, e := range quiet {
		rows = append(rows, row{form: f, sigma: sigma, mode: e.mode, false24h: float64(len(e.begins)) / float64(series)})
	}
	for _, factor := range steps {
		if stepped == 0 {
			break
		}
		with, err := episodes(f, sigma, stepped, factor)
		if err != nil {
			return nil, err
		}
		for i, e := range with {
			rows[i].found = append(rows[i].found, e.foundOf(stepped))
		}
	}
	return rows, nil
}

// foundOf is the share of series in which an episode began within the step.
// One that began before and lasts counts as not found.
func (e *told) foundOf(series int) share {
	var delays []time.Duration
	seen := map[string]bool{}
	for _, b := range e.begins {
		if d := b.at.Sub(stepFrom); d > 0 && d <= stepFor && !seen[b.series] {
			seen[b.series] = true
			delays = append(delays, d)
		}
	}
	if len(delays) == 0 {
		return share{}
	}
	slices.Sort(delays)
	return share{float64(len(delays)) / float64(series), delays[len(delays)/2]}
}
