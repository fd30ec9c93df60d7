package livingos

import "time"

// Demo is a run of two and a half minutes in which one incident comes and goes,
// so that with the demo overlay (60 s degradation window, evaluation every 5 s)
// every alert has triggered and resolved before three minutes are over:
//
//	0–15 s    nothing fails, so that rules over few runs start healthy
//	0–55 s    the baseline is learnt
//	55–80 s   lookups, dispatches and executions take 4 times as long,
//	          60 % of the dispatches fail
//	60–75 s   the breaker model_api is open (half-open from 71.25 s)
//	80–150 s  normal; 25 s at 60 % have left a success rate above 90 % over
//	          one minute behind 50 s after the end, at about 130 s
func Demo() Settings {
	incident := Window{From: 55 * time.Second, For: 25 * time.Second}
	const length = 150 * time.Second
	return Settings{
		Senders:           1, // every instance is a series of its own, and so an alert of its own
		Rate:              3,
		Duration:          length,
		ErrorBursts:       []ErrorBurst{{Window: Window{From: 15 * time.Second, For: length}, Rate: 0.01}},
		SlowDowns:         []SlowDown{{Window: incident, Factor: 4}},
		FailingDispatches: []FailingDispatches{{Window: incident, Ratio: 0.6}},
		Breakers:          []Breaker{{Name: "model_api", Opens: 60 * time.Second, Closes: 75 * time.Second}},
	}
}

// weather is what goes wrong at one moment.
type weather struct {
	errorRate       float64
	dispatchFailure float64
	factor          map[Kind]float64
}

func (s Settings) weather(t time.Duration) weather {
	w := weather{errorRate: s.ErrorRate, factor: map[Kind]float64{}}
	for _, b := range s.ErrorBursts {
		if b.contains(t) {
			w.errorRate = b.Rate
		}
	}
	w.dispatchFailure = w.errorRate
	for _, f := range s.FailingDispatches {
		if f.contains(t) {
			w.dispatchFailure = max(w.dispatchFailure, f.Ratio)
		}
	}
	for _, d := range s.SlowDowns {
		if !d.contains(t) {
			continue
		}
		kinds := d.Operations
		if len(kinds) == 0 {
			kinds = slowByDefault
		}
		for _, k := range kinds {
			w.factor[k] = w.slowness(k) * d.Factor
		}
	}
	return w
}

func (w weather) slowness(k Kind) float64 {
	if f, ok := w.factor[k]; ok {
		return f
	}
	return 1
}
