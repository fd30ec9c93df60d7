package detector

import (
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/foundation-os/otelcol-foundation/internal/record"
	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/baseline"
	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/episode"
	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/verdict"
)

// sumArms is suspicious when what it carries, a sum, is high: its answers hang
// on the order of all that it judged.
type sumArms struct{ sum, marked, learned float64 }

func (a *sumArms) Learn(currents []float64) {
	a.learned = 0
	for _, c := range currents {
		a.learned += c
	}
}

func (a *sumArms) Judge(current float64, _ bool) (verdict.Reason, bool) {
	a.sum = max(0, a.sum/2+current-1.5)
	if a.sum > 2 {
		return verdict.Drift, false
	}
	return verdict.None, true
}
func (a *sumArms) Settle()    {}
func (a *sumArms) Reset(bool) { a.sum = 0 }
func (a *sumArms) Forget()    { a.sum = 0 }
func (a *sumArms) Mark()      { a.marked = a.sum }
func (a *sumArms) Rewind()    { a.sum = a.marked }

func (a *sumArms) Append(b []byte) []byte {
	return record.AppendFloat(record.AppendFloat(b, a.marked), a.learned)
}
func (a *sumArms) Read(r *record.Reader) { a.marked, a.learned = r.Float(), r.Float() }

func newGuarded(change func(*Options)) *Detector {
	o := Options{
		Guarded: &Guarded{
			Judge: verdict.Guard{
				Enter:     verdict.Rule{MeanRatio: 2, P95Ratio: 1.5, MinSamples: 3},
				ClearMean: 1.6, ClearP95: 1.2, Up: true,
			},
			Episode:  episode.Rule{M: 2, N: 3, Clear: 3},
			MinPanes: 1, MinCount: 5, MaxDegraded: 1 << 40, TTL: 1 << 40,
		},
		Panes:     baseline.Panes{Width: 100, Count: 4},
		MaxSeries: 10,
		All:       true,
	}
	if change != nil {
		change(&o)
	}
	return New(o)
}

func (d *Detector) sendOne(t int64, m baseline.Measurement) []Result {
	d.Begin(1000)
	d.Observe(d.Series(Key{1}), t, &m, Ref{})
	return d.Finish()
}

// histogramOf is n measurements of the same value.
func histogramOf(v float64, n int) baseline.Measurement {
	return baseline.Measurement{Current: v, Count: uint64(n), Sum: v * float64(n), Min: v, Max: v, NoDistribution: true}
}

// What is known after a pane does not depend on the order in which its
// measurements came, up to maxLog of them: not the state, nor which panes count,
// nor what the arms carry.
func TestOrderWithinAPane(t *testing.T) {
	type at struct {
		t int64
		m baseline.Measurement
	}
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 1))
		ordered := newGuarded(func(o *Options) { o.Guarded.NewArms = func() Arms { return &sumArms{} } })
		shuffled := newGuarded(func(o *Options) { o.Guarded.NewArms = func() Arms { return &sumArms{} } })
		seen := map[episode.State]int{}
		level := 1.0
		for pane := range int64(40) {
			if rng.IntN(5) == 0 {
				level = []float64{1, 1, 1.3, 3}[rng.IntN(4)]
			}
			var points []at
			for i := range 1 + rng.IntN(maxLog-1) {
				v := level * (1 + 0.1*rng.Float64())
				if rng.IntN(8) == 0 {
					v *= 2.2
				}
				m := baseline.ScalarMeasurement(v)
				if seed%2 == 0 {
					m = histogramOf(v, 1+rng.IntN(8))
				}
				points = append(points, at{pane*100 + int64(i), m})
			}
			for _, p := range points {
				ordered.sendOne(p.t, p.m)
			}
			rng.Shuffle(len(points), func(i, j int) { points[i], points[j] = points[j], points[i] })
			for _, p := range points {
				shuffled.sendOne(p.t, p.m)
			}
			a, b := ordered.Series(Key{1}).guard, shuffled.Series(Key{1}).guard
			seen[a.live.machine.State()]++
			// the quotient of a pool is a sum of floats, added in the order of time
			if !reflect.DeepEqual(a.live, b.live) || !reflect.DeepEqual(a.log, b.log) || a.arms.(*sumArms).sum != b.arms.(*sumArms).sum {
				t.Fatalf("seed %d pane %d:\n%+v\n%+v", seed, pane, a.live, b.live)
			}
			if math.Abs(a.base.Mean-b.base.Mean) > 1e-9 || a.base.Count != b.base.Count || a.need != b.need {
				t.Fatalf("seed %d pane %d: %+v %+v, %+v %+v", seed, pane, a.base, a.need, b.base, b.need)
			}
		}
		if seed == 1 && (seen[episode.Degraded] == 0 || seen[episode.Normal] == 0) {
			t.Fatal("nothing happened:", seen)
		}
	}
}

// Beyond maxLog the older half is final: what is older than it is late, and the
// others come to the same as without a bound.
func TestManyEvaluationsInAPane(t *testing.T) {
	d := newGuarded(func(o *Options) { o.Panes.Width = 10000; o.Guarded.NewArms = func() Arms { return &sumArms{} } })
	for i := range int64(100) {
		d.sendOne(i, baseline.ScalarMeasurement(1))
	}
	var states []verdict.State
	for i := range int64(1000) {
		v := 1.0
		if i >= 500 && i < 600 {
			v = 3
		}
		for _, r := range d.sendOne(10000+10*i, baseline.ScalarMeasurement(v)) {
			states = append(states, r.Verdict.State)
		}
	}
	if first := slices.Index(states, verdict.Degraded); first < 500 || first > 501 {
		t.Error("begins at", first)
	}
	s := d.Series(Key{1})
	if len(s.guard.log) > maxLog {
		t.Error("the log has", len(s.guard.log))
	}
	d.sendOne(10005, baseline.ScalarMeasurement(9))
	if d.Outcomes()[Late] != 1 {
		t.Error("a point before what is final is late:", d.Outcomes())
	}
	d.sendOne(19985, baseline.ScalarMeasurement(1))
	if d.Outcomes()[Evaluated] != 1 {
		t.Error("one after it is not:", d.Outcomes())
	}
	// every second of the hundred of the first pane is kept for the arms; the
	// second one had an episode
	d.sendOne(20000, baseline.ScalarMeasurement(1))
	if n := len(d.merger.Currents(&s.guard.history)); n != 50 {
		t.Error("currents:", n)
	}
}

// An older point of an older pane is neither judged nor added.
func TestLateInGuarded(t *testing.T) {
	d := newGuarded(nil)
	for i := range int64(30) {
		d.sendOne(i*10, baseline.ScalarMeasurement(1))
	}
	d.sendOne(199, baseline.ScalarMeasurement(1000))
	if d.Outcomes() != [Outcomes]int64{Late: 1} {
		t.Error(d.Outcomes())
	}
	d.sendOne(300, baseline.ScalarMeasurement(1))
	if b := d.Series(Key{1}).guard.base; b.Mean != 1 || b.Count != 30 {
		t.Errorf("%+v", b)
	}
}

// A late point that makes two of three is told at once, at the newest moment.
func TestALateSuspectIsTold(t *testing.T) {
	d := newGuarded(func(o *Options) { o.All = false })
	for i := range int64(30) {
		d.sendOne(i*10, baseline.ScalarMeasurement(1))
	}
	if r := d.sendOne(320, baseline.ScalarMeasurement(3)); len(r) != 0 {
		t.Error("one is no episode", r)
	}
	r := d.sendOne(310, baseline.ScalarMeasurement(4))
	if len(r) != 1 || r[0].Time != 320 || r[0].Verdict.State != verdict.Degraded || r[0].Verdict.Current != 3 {
		t.Errorf("%+v", r)
	}
}

func TestPools(t *testing.T) {
	d := newGuarded(nil)
	for i := range int64(10) {
		d.sendOne(i*10, histogramOf(1, 5))
	}
	for i, c := range []struct {
		t       int64
		v       float64
		n       int
		outcome Outcome
		current float64
	}{
		{100, 2, 2, Pooled, 1}, // the last verdict again
		{110, 3, 2, Pooled, 1},
		{120, 4, 1, Evaluated, (4 + 6 + 4) / 5.0},
		{130, 2, 4, Pooled, 2.8},
		{140, 1, 5, Evaluated, 1}, // enough alone: it is not mixed with what was before
		{150, 1, 1, Pooled, 1},
		{160, 1, 4, Evaluated, 1},
		{170, 2, 4, Pooled, 1},
		{571, 2, 4, Pooled, 1}, // more than a window later
		{581, 6, 4, Evaluated, 4},
	} {
		r := d.sendOne(c.t, histogramOf(c.v, c.n))
		if d.Outcomes()[c.outcome] != 1 {
			t.Errorf("%d: %v", i, d.Outcomes())
		}
		if len(r) != 1 || i > 0 && r[0].Verdict.Current != c.current {
			t.Errorf("%d: %+v, want %v", i, r, c.current)
		}
	}
	highest := newGuarded(func(o *Options) { o.Guarded.PoolMax = true })
	for i := range int64(10) {
		highest.sendOne(i*10, histogramOf(1, 5))
	}
	for i, v := range []float64{1, 3, 2} {
		r := highest.sendOne(100+int64(i), histogramOf(v, 2))
		if i == 2 && r[0].Verdict.Current != 3 {
			t.Errorf("%+v", r)
		}
	}
}

// An arm alone can begin an episode, and must agree that it is over. What is
// not further from the mean than MinDelta is none of its business.
func TestArms(t *testing.T) {
	for _, c := range []struct {
		delta float64
		want  verdict.State
	}{{0, verdict.Degraded}, {1, verdict.OK}} {
		d := newGuarded(func(o *Options) {
			o.Guarded.NewArms = func() Arms { return &sumArms{} }
			o.Guarded.Judge.Enter.MeanRatio, o.Guarded.Judge.Enter.P95Ratio = 100, 100
			o.Guarded.Judge.MinDelta = c.delta
		})
		for i := range int64(30) {
			d.sendOne(i*10, baseline.ScalarMeasurement(1.9))
		}
		if l := d.Series(Key{1}).guard.arms.(*sumArms).learned; math.Abs(l-20*1.9) > 1e-9 {
			t.Error("learned", l)
		}
		var r []Result
		for i := range int64(5) {
			r = d.sendOne(300+i*10, baseline.ScalarMeasurement(2.8))
		}
		if r[0].Verdict.State != c.want {
			t.Errorf("%+v", r)
		}
		if c.want == verdict.Degraded && r[0].Reason.String() != "drift" {
			t.Error(r[0].Reason)
		}
	}
}

// Panes that only a suspicion touched come back, those of an episode do not,
// also where a noisy series needs many suspects over several panes.
func TestWhatAnEpisodeTouchesIsLeftOut(t *testing.T) {
	d := newGuarded(nil)
	for i := range int64(40) {
		d.sendOne(i*10, baseline.ScalarMeasurement(1))
	}
	s := d.Series(Key{1})
	count := func() uint64 { b, _ := d.merger.Baseline(&s.guard.history); return b.Count }
	d.sendOne(480, baseline.ScalarMeasurement(3))
	d.sendOne(490, baseline.ScalarMeasurement(1))
	d.sendOne(500, baseline.ScalarMeasurement(1)) // pane 4 is open still
	if count() != 40 {
		t.Error(count())
	}
	d.sendOne(510, baseline.ScalarMeasurement(1))
	d.sendOne(600, baseline.ScalarMeasurement(1)) // the newest four of panes 0 to 5
	if b := s.guard.base; b.Count != 24 || math.Abs(b.Mean-26.0/24) > 1e-9 {
		t.Errorf("%+v", b)
	}
	d.sendOne(690, baseline.ScalarMeasurement(3))
	d.sendOne(700, baseline.ScalarMeasurement(3))
	for i := range int64(10) {
		d.sendOne(710+10*i, baseline.ScalarMeasurement(1))
	}
	d.sendOne(810, baseline.ScalarMeasurement(1))
	d.sendOne(900, baseline.ScalarMeasurement(1)) // pane 6 had the first suspect, pane 7 the episode
	if b := s.guard.base; b.Count != 10+2+2+2 {
		t.Errorf("%+v", b)
	}
}

// A small interval that comes late waits like others, and is counted as they are.
func TestALateSmallIntervalIsPooled(t *testing.T) {
	d := newGuarded(nil)
	for i := range int64(4) {
		d.sendOne(100*i, histogramOf(1, 9))
	}
	for _, at := range []int64{450, 430} {
		d.sendOne(at, histogramOf(1, 2))
		if n := d.Outcomes(); n[Pooled] != 1 {
			t.Errorf("at %d: %v, want one pooled", at, n)
		}
	}
}

// What comes after too many newer ones is not judged, and so is not learned.
func TestWhatIsTooLateIsNotLearned(t *testing.T) {
	d := newGuarded(func(o *Options) { o.Panes.Width = 1000 })
	for i := range int64(4) {
		d.sendOne(1000*i, histogramOf(1, 9))
	}
	for i := range int64(maxLog + 10) {
		d.sendOne(4000+5*i, histogramOf(1, 9))
		if i >= maxLog-1 { // the log is full, or was
			d.sendOne(4001, histogramOf(99, 999))
			if n := d.Outcomes(); n[Late] != 1 {
				t.Fatalf("%v, want one late", n)
			}
		}
	}
	got := d.sendOne(5000, histogramOf(1, 9))
	if mean := got[0].Verdict.Baseline.Mean; mean != 1 {
		t.Errorf("the baseline's mean is %v", mean)
	}
}
