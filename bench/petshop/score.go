package main

import (
	"fmt"
	"time"

	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/foundation-os/otelcol-foundation/bench/internal/drive"
)

// steps are the factors by which quiet runs are made slower, for stepIntervals
// (two hours) from their middle on.
var steps = [...]float64{1.5, 1.2}

const stepIntervals = 24

// settings: everything as shipped.
func settings() drive.Settings { return drive.Settings{} }

func scoreMode(mode string, traffics []*traffic, quiet map[*traffic]*table) (*result, error) {
	r := &result{faults: map[string]*tally{}}
	for _, t := range traffics {
		if t.quiet != nil {
			if err := r.scoreQuiet(mode, t); err != nil {
				return nil, err
			}
			for i := range steps {
				if err := r.scoreStep(mode, t, i); err != nil {
					return nil, err
				}
			}
		}
		for _, f := range t.faults {
			if err := r.scoreFault(mode, f, quiet[t]); err != nil {
				return nil, err
			}
		}
	}
	return r, nil
}

// player feeds runs to one processor and tells where episodes begin.
type player struct {
	driver   *drive.Driver
	degraded map[string]bool
	points   int
}

type begin struct {
	series, reason string
	factor         float64
}

func newPlayer(mode string) (*player, error) {
	d, err := drive.New(mode, settings())
	return &player{driver: d, degraded: map[string]bool{}}, err
}

// play feeds the i-th interval of the table as if it began at the given time and
// its latencies were multiplied by factor.
func (p *player) play(t *table, i int, at time.Time, factor float64) ([]begin, error) {
	var h drive.Histogram
	md := drive.Histograms(func(points pmetric.ExponentialHistogramDataPointSlice) {
		for j := range t.services {
			s := &t.services[j]
			if iv := s.intervals[i].times(factor); iv.fill(&h) {
				h.AppendTo(points, s.name, at, at.Add(width))
				p.points++
			}
		}
	})
	verdicts, err := p.driver.Send(md)
	if err != nil {
		return nil, err
	}
	var begins []begin
	for _, v := range verdicts {
		if v.State == 1 && !p.degraded[v.Series] {
			begins = append(begins, begin{v.Series, v.Reason, v.Factor})
		}
		p.degraded[v.Series] = v.State == 1
	}
	return begins, nil
}

func (r *result) scoreQuiet(mode string, t *traffic) error {
	p, err := newPlayer(mode)
	if err != nil {
		return err
	}
	for i, at := range t.quiet.at {
		begins, err := p.play(t.quiet, i, at, 1)
		if err != nil {
			return err
		}
		r.episodes += len(begins)
		for _, b := range begins {
			r.notes = append(r.notes, fmt.Sprintf("%s/noissue: false at %s: %s, %s, ×%.2f", t.name, at.Format(time.DateTime), b.series, b.reason, b.factor))
		}
	}
	r.seriesDays += float64(p.points) * width.Hours() / 24
	return p.driver.Close()
}

// scoreStep makes every service of the quiet run slower for a while.
func (r *result) scoreStep(mode string, t *traffic, step int) error {
	p, err := newPlayer(mode)
	if err != nil {
		return err
	}
	from := len(t.quiet.at) / 2
	found, stepped := map[string]bool{}, map[string]bool{}
	for i, at := range t.quiet.at[:min(from+stepIntervals, len(t.quiet.at))] {
		factor := 1.0
		if i >= from {
			factor = steps[step]
			for _, s := range t.quiet.services {
				if s.intervals[i].known() {
					stepped[s.name] = true
				}
			}
		}
		begins, err := p.play(t.quiet, i, at, factor)
		if err != nil {
			return err
		}
		for _, b := range begins {
			if i >= from && !found[b.series] {
				found[b.series] = true
				r.steps[step].delays = append(r.steps[step].delays, time.Duration(i-from+1)*width)
			}
		}
	}
	r.steps[step].found += len(found)
	r.steps[step].all += len(stepped)
	return p.driver.Close()
}

func (r *result) scoreFault(mode string, f *fault, quiet *table) error {
	p, err := newPlayer(mode)
	if err != nil {
		return err
	}
	first := f.run.at[0]
	if quiet != nil {
		// The quiet run is of other days. It is moved by whole ones, to before
		// the fault, and what would reach into the fault is left out: what
		// depends on the time of day stays where it was.
		const day = 24 * time.Hour
		apart := first.Sub(quiet.at[len(quiet.at)-1])
		move := apart.Truncate(day)
		if apart >= 0 {
			move += day
		}
		for i, at := range quiet.at {
			if moved := at.Add(move); !moved.Add(width).After(first) {
				if _, err := p.play(quiet, i, moved, 1); err != nil {
					return err
				}
			}
		}
	}
	t := r.faults[f.kind]
	if t == nil {
		t = &tally{}
		r.faults[f.kind] = t
	}
	t.all++
	note := "not found"
	for i, at := range f.run.at {
		begins, err := p.play(f.run, i, at, 1)
		if err != nil {
			return err
		}
		delay := at.Add(width).Sub(f.began)
		for _, b := range begins {
			if note == "not found" && delay > 0 && (b.series == f.service || b.series == f.target) {
				t.found++
				t.delays = append(t.delays, delay)
				note = fmt.Sprintf("found after %s: %s, %s, ×%.2f", delay, b.series, b.reason, b.factor)
			}
		}
	}
	r.notes = append(r.notes, fmt.Sprintf("%s (%s): %s", f.name, f.kind, note))
	return p.driver.Close()
}
