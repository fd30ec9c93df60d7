package main

import (
	"errors"
	"math"
	"math/rand/v2"
	"strconv"
	"time"

	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/foundation-os/otelcol-foundation/bench/internal/drive"
)

type form string

const (
	gauge     form = "gauge"
	histogram form = "histogram"
)

const (
	interval = time.Minute
	length   = 24 * time.Hour
	stepFor  = 2 * time.Hour
)

// start lies in the past, so that event time can run faster than the clock.
var (
	start    = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	stepFrom = start.Add(12 * time.Hour)
)

// told is what a mode said.
type told struct {
	mode   string
	driver *drive.Driver
	inside []bool
	begins []begin
}

type begin struct {
	series string
	at     time.Time
}

// episodes feeds the series to each mode, with the values multiplied by factor
// for as long as the step is.
func episodes(f form, sigma float64, series int, factor float64) ([]*told, error) {
	var all []*told
	for _, mode := range drive.Modes() {
		d, err := drive.New(mode, drive.Settings{"max_series": series})
		if errors.Is(err, drive.ErrNoMode) {
			continue
		}
		if err != nil {
			return nil, err
		}
		all = append(all, &told{mode: mode, driver: d, inside: make([]bool, series)})
	}
	names := make([]string, series)
	noise := make([]*rand.Rand, series)
	for i := range names {
		names[i] = strconv.Itoa(i)
		noise[i] = rand.New(rand.NewPCG(uint64(i), math.Float64bits(sigma)))
	}
	var h drive.Histogram
	for at := start.Add(interval); !at.After(start.Add(length)); at = at.Add(interval) {
		scale := 0.1
		if at.After(stepFrom) && !at.After(stepFrom.Add(stepFor)) {
			scale *= factor
		}
		draw := func(i int) float64 { return scale * math.Exp(sigma*noise[i].NormFloat64()) }
		var md pmetric.Metrics
		switch f {
		case gauge:
			md = drive.Gauges(func(points pmetric.NumberDataPointSlice) {
				points.EnsureCapacity(series)
				for i, name := range names {
					drive.AddGauge(points, name, at, draw(i))
				}
			})
		case histogram:
			md = drive.Histograms(func(points pmetric.ExponentialHistogramDataPointSlice) {
				points.EnsureCapacity(series)
				for i, name := range names {
					h.Reset()
					for range perHistogram {
						h.Add(draw(i))
					}
					h.AppendTo(points, name, at.Add(-interval), at)
				}
			})
		}
		for _, t := range all {
			if err := t.send(md); err != nil {
				return nil, err
			}
		}
	}
	for _, t := range all {
		if err := t.driver.Close(); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// send passes a copy of the batch, which the processor appends to.
func (t *told) send(md pmetric.Metrics) error {
	own := pmetric.NewMetrics()
	md.CopyTo(own)
	verdicts, err := t.driver.Send(own)
	if err != nil {
		return err
	}
	for _, v := range verdicts {
		i, err := strconv.Atoi(v.Series)
		if err != nil {
			return err
		}
		if v.State == 1 && !t.inside[i] {
			t.begins = append(t.begins, begin{v.Series, v.At})
		}
		t.inside[i] = v.State == 1
	}
	return nil
}
