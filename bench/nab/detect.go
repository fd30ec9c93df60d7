package main

import (
	"math"
	"time"

	"github.com/foundation-os/otelcol-foundation/bench/internal/drive"
	"github.com/foundation-os/otelcol-foundation/bench/nab/corpus"
	"github.com/foundation-os/otelcol-foundation/bench/nab/score"
)

// shipped is the threshold of what the processor itself calls degraded.
const shipped = 0.5

// detect runs the mode over every file, each as a series of its own that comes
// point by point, and returns its score of each point. every makes a detection of
// each degraded point, not only of an episode's first.
func detect(mode string, s drive.Settings, files []corpus.File, every bool) ([]score.Series, error) {
	d, err := drive.New(mode, s)
	if err != nil {
		return nil, err
	}
	series := make([]score.Series, len(files))
	for i, f := range files {
		series[i] = score.Series{Scores: make([]float64, len(f.Points)), Windows: f.Windows}
		var before int64
		for j, p := range f.Points {
			verdicts, err := d.Send(drive.Gauge(f.Name, p.At, p.Value))
			if err != nil {
				return nil, err
			}
			for _, v := range verdicts {
				if v.At.Equal(p.At) || v.At.Sub(p.At).Abs() < time.Microsecond {
					if every {
						before = 0
					}
					series[i].Scores[j] = scoreOf(v, before)
					before = v.State
				}
			}
		}
	}
	return series, d.Close()
}

// scoreOf makes a score, 0 to 1, of a verdict and of the state before it.
//
// A detection is the beginning of an episode: that is what is told to people,
// once, however long it lasts. It has 0.5 and more, by how far the value is from
// the baseline's mean. The rest of an episode is no news and has 0. A verdict
// that is not degraded has less than 0.5, again by that distance, so that a
// lower threshold than the shipped one would find it.
func scoreOf(v drive.Verdict, before int64) float64 {
	distance := 0.0 // 0 to 1: half at twice (or half of) the mean
	if !math.IsNaN(v.Factor) {
		distance = 1
		if v.Factor > 0 {
			distance = 1 - 1/max(v.Factor, 1/v.Factor)
		}
	}
	switch {
	case v.State == 1 && before == 1:
		return 0
	case v.State == 1:
		return shipped + distance/2
	case v.State == 0:
		return shipped * distance * 0.999
	}
	return 0
}
