package ruletest

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/timestamp"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
)

// input hands out the samples of the input series as time goes on: rules must
// not see what has not happened.
type input struct {
	series []*pending
	start  int64 // of the first sample, Unix milliseconds
	step   int64 // between two samples
}

type pending struct {
	labels labels.Labels
	values []parser.SequenceValue
	next   int // the first value that was not handed out
}

// newInput parses the series. Of two with the same labels the later one counts,
// as in promtool.
func newInput(t *test, p parser.Parser) (*input, error) {
	in := &input{start: timestamp.FromTime(t.begin()), step: time.Duration(t.Interval).Milliseconds()}
	at := map[string]int{}
	for i, s := range t.InputSeries {
		ls, values, err := p.ParseSeriesDesc(s.Series + " " + s.Values)
		if err != nil {
			return nil, fmt.Errorf("input_series[%d]: %s: %w", i, s.Series, err)
		}
		key := string(ls.Bytes(nil))
		if known, ok := at[key]; ok {
			in.series[known].values = values
			continue
		}
		at[key] = len(in.series)
		in.series = append(in.series, &pending{labels: ls, values: values})
	}
	return in, nil
}

// appendUntil appends what happens up to and at a time.
func (in *input) appendUntil(ctx context.Context, at time.Time, to storage.AppendableV2) error {
	app := to.AppenderV2(ctx)
	now := timestamp.FromTime(at)
	for _, s := range in.series {
		var ref storage.SeriesRef
		for ; s.next < len(s.values); s.next++ {
			t := in.start + int64(s.next)*in.step
			if t > now {
				break
			}
			v := s.values[s.next]
			if v.Omitted {
				continue
			}
			var err error
			if v.Histogram != nil {
				ref, err = app.Append(ref, s.labels, 0, t, 0, nil, v.Histogram, storage.AppendV2Options{})
			} else {
				ref, err = app.Append(ref, s.labels, 0, t, v.Value, nil, nil, storage.AppendV2Options{})
			}
			if err != nil {
				_ = app.Rollback() // the first error tells more
				return fmt.Errorf("input series %s: %w", s.labels, err)
			}
		}
	}
	return app.Commit()
}
