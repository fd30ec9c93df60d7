package ruletest

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/timestamp"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
)

// dump writes all samples: those of the input and those of rules.
func (r *runner) dump(ctx context.Context) []error {
	q, err := r.store.Querier(math.MinInt64, timestamp.FromTime(r.test.begin().Add(r.test.end()+time.Second)))
	if err != nil {
		return []error{err}
	}
	defer func() { _ = q.Close() }() // it only reads
	set := q.Select(ctx, true, nil, labels.MustNewMatcher(labels.MatchRegexp, model.MetricNameLabel, ".+"))
	var all promql.Matrix
	var it chunkenc.Iterator
	for set.Next() {
		s := promql.Series{Metric: set.At().Labels()}
		it = set.At().Iterator(it)
		for kind := it.Next(); kind != chunkenc.ValNone; kind = it.Next() {
			if kind == chunkenc.ValFloat {
				if t, v := it.At(); !value.IsStaleNaN(v) {
					s.Floats = append(s.Floats, promql.FPoint{T: t, F: v})
				}
			} else if t, h := it.AtFloatHistogram(nil); !value.IsStaleNaN(h.Sum) {
				s.Histograms = append(s.Histograms, promql.HPoint{T: t, H: h})
			}
		}
		if err := it.Err(); err != nil {
			return []error{err}
		}
		all = append(all, s)
	}
	fmt.Fprintf(r.opt.Log, "DEBUG: Dump of all data (input_series and rules) at %v:\n%s\n", r.test.end(), all)
	if err := set.Err(); err != nil {
		return []error{err}
	}
	return nil
}

const (
	red   = "\x1b[0;31m"
	green = "\x1b[0;32m"
	plain = "\x1b[0m"
)

// diff lists lines: those that are only expected in red with a minus, those
// that are only there in green with a plus. It finds the longest common
// subsequence; alerts have tens of lines, so that a table of all pairs is fine.
func diff(want, got []string) string {
	common := make([][]int, len(want)+1) // of want[i:] and got[j:]
	for i := range common {
		common[i] = make([]int, len(got)+1)
	}
	for i, w := range slices.Backward(want) {
		for j, g := range slices.Backward(got) {
			if w == g {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	var b strings.Builder
	i, j := 0, 0
	for i < len(want) || j < len(got) {
		switch {
		case i < len(want) && j < len(got) && want[i] == got[j]:
			b.WriteString("\n  " + want[i])
			i, j = i+1, j+1
		case j == len(got) || i < len(want) && common[i+1][j] >= common[i][j+1]:
			b.WriteString("\n" + red + "- " + want[i] + plain)
			i++
		default:
			b.WriteString("\n" + green + "+ " + got[j] + plain)
			j++
		}
	}
	return b.String()
}
