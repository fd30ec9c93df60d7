package detector

import (
	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/baseline"
	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/episode"
	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/measure"
	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/verdict"
)

// Options of a detector.
type Options struct {
	// Rule is that of mode strict.
	Rule verdict.Rule
	// Guarded is how the other modes judge; nil in mode strict.
	Guarded   *Guarded
	Panes     baseline.Panes
	MaxSeries int
	// Folds says that several streams make one series; then what is remembered
	// of a cumulative stream cannot be kept with the series.
	Folds bool
	// All reports every verdict, not only the degraded and the closing ones.
	All bool
}

// Detector holds the series. One batch is Begin, any number of Series, Stream,
// Observe and Repeat, then Finish.
type Detector struct {
	opts   Options
	window int64

	merger  *baseline.Merger
	series  *table[Series]
	streams *table[measure.Stream] // only when Options.Folds

	now       int64 // arrival of the batch, Unix nanoseconds
	newest    int64 // the newest time of any point so far
	batch     uint64
	results   []Result
	open      []*Series // those in an episode, of the ones still seen
	nextSweep int64

	savedBatch uint64 // the last batch that the written state knows of

	// of the modes that judge in the order of time
	queue    []queued
	waiting  []baseline.Measurement
	room     int // buckets that waiting has memory for
	levelled baseline.Measurement
	disorder bool
	states   [episode.States]int

	// in this batch
	outcomes                 [Outcomes]int64
	evicted                  int
	quarantined, rebaselines int64
	episodes                 int64
}

// Series is one watched series.
type Series struct {
	ring   *baseline.Ring // of mode strict
	guard  *guard         // of the others
	stream measure.Stream
	// last is the newest verdict, by the time of its point; before is when the
	// newest was before the batch lastIn, which is 0 as long as there is none.
	last           verdict.Verdict
	lastAt, before int64
	lastIn         uint64

	// episode is whether what was told of it last is that it is degraded, and
	// reason why it was when that began. The reason identifies the series of
	// the verdict downstream: were it to change on the way, the old one would
	// stay degraded there for ever.
	episode  bool
	reason   verdict.Reason
	openAt   int    // in Detector.open, or gone
	batch    uint64 // the last that has a result of it
	ordinal  int    // of its first result in that batch
	lastSeen int64

	// queuedIn is the last batch that has a point of it in Detector.queue,
	// queuedAt the time of the last such point, queueOrder the place of the
	// first.
	queuedIn   uint64
	queuedAt   int64
	queueOrder int
}

// Result is a verdict of one moment that Finish found worth telling.
type Result struct {
	Verdict verdict.Verdict
	Reason  verdict.Reason // why it is, or until now was, degraded
	Time    int64
	Ref     Ref
	// Rebaselined: what was degraded has lasted for so long that it became the
	// baseline.
	Rebaselined bool

	series  *Series
	ordinal int
}

// Ref is the caller's way back to the point that a result is of.
type Ref struct{ Resource, Scope, Metric, Point int32 }

// Outcome is what became of a measurement.
type Outcome uint8

const (
	// Evaluated: judged and added.
	Evaluated Outcome = iota
	// Learning: added; the baseline is too small to judge by.
	Learning
	// Pooled: added; too few measurements to be judged alone.
	Pooled
	// Late: its pane is over, or too many newer ones came before it. Not judged.
	Late
	// Duplicate: the same interval of the same series once more. Judged once, in
	// the modes that judge several together.
	Duplicate
	// Outcomes is how many there are.
	Outcomes
)

// New returns a detector without series.
func New(o Options) *Detector {
	d := &Detector{
		opts:   o,
		window: o.Panes.Width * o.Panes.Count,
		merger: baseline.NewMerger(o.Panes),
		series: newTable[Series](o.MaxSeries),
	}
	if o.Guarded != nil {
		d.merger.Low = o.Guarded.Judge.Down
	}
	if o.Folds {
		d.streams = newTable[measure.Stream](o.MaxSeries)
	}
	return d
}

// Window in nanoseconds.
func (d *Detector) Window() int64 { return d.window }

// Len is the number of series held.
func (d *Detector) Len() int { return d.series.size }

// Degraded is the number of series in an episode, of the ones still seen.
func (d *Detector) Degraded() int { return len(d.open) }

// Evicted is how many series had to go in this batch.
func (d *Detector) Evicted() int { return d.evicted }

// Outcomes is how many measurements of this batch came to what. Complete after
// Finish.
func (d *Detector) Outcomes() [Outcomes]int64 { return d.outcomes }

// States is how many series are in each state; only where an episode has states.
func (d *Detector) States() (n [episode.States]int, ok bool) { return d.states, d.opts.Guarded != nil }

// Quarantined is how many panes were left out of their baselines in this batch,
// and Rebaselines how many series got a new one. Complete after Finish.
func (d *Detector) Quarantined() int64 { return d.quarantined }

// Rebaselines: see Quarantined.
func (d *Detector) Rebaselines() int64 { return d.rebaselines }

// Episodes is how many series of this batch were told to be degraded that were
// not before. Complete after Finish.
func (d *Detector) Episodes() int64 { return d.episodes }

// Begin starts a batch that arrives now (Unix nanoseconds).
func (d *Detector) Begin(now int64) {
	d.now = now
	d.batch++
	d.evicted, d.quarantined, d.rebaselines, d.episodes = 0, 0, 0, 0
	d.outcomes = [Outcomes]int64{}
	d.results = d.results[:0]
	if now >= d.nextSweep || now < d.nextSweep-d.opts.Panes.Width { // or the clock was set back
		d.sweep()
		d.nextSweep = now + d.opts.Panes.Width
	}
}

// Series returns the series of the key; nil when there is no room for it.
func (d *Detector) Series(k Key) *Series {
	e, evicted := d.series.get(k, d.now, d.window)
	if evicted != nil {
		d.evicted++
		d.forget(&evicted.value)
	}
	if e == nil {
		return nil
	}
	s := &e.value
	s.lastSeen = d.now
	switch {
	case d.opts.Guarded == nil && s.ring == nil:
		s.ring = &baseline.Ring{}
	case d.opts.Guarded != nil && s.guard == nil:
		s.guard = d.newGuard()
		d.states[episode.Learning]++
	}
	return s
}

// Stream returns what is remembered of a cumulative stream of the series. The
// key identifies the stream and is looked at only when streams fold. Nil when
// there is no room for it.
func (d *Detector) Stream(s *Series, k Key) *measure.Stream {
	if d.streams == nil {
		return &s.stream
	}
	e, _ := d.streams.get(k, d.now, d.window)
	if e == nil {
		return nil
	}
	return &e.value
}

// Admit says whether a point of time t may be looked at at all: a time that is
// more than a window ahead, both of the arrival and of all that came so far,
// would make every honest point after it late.
func (d *Detector) Admit(t int64) bool {
	if t-d.window > max(d.now, d.newest) {
		return false
	}
	d.newest = max(d.newest, t)
	return true
}

// Observe takes a measurement of time t. ref comes back with the result, should
// there be one.
func (d *Detector) Observe(s *Series, t int64, m *baseline.Measurement, ref Ref) {
	if s.guard != nil {
		d.enqueue(s, t, m, ref)
		return
	}
	d.outcomes[d.observeStrict(s, t, m, ref)]++
}

// Repeat tells the last verdict again for time t, at which the series was seen
// and nothing was measured: what keeps being told does not flap. It ends a
// window after the last measurement.
func (d *Detector) Repeat(s *Series, t int64, ref Ref) {
	if s.guard != nil {
		d.enqueue(s, t, nil, ref)
		return
	}
	d.repeatStrict(s, t, ref)
}

func (d *Detector) note(s *Series, t int64, v verdict.Verdict, ref Ref) {
	if v.State == verdict.Degraded || s.episode || d.opts.All || s.batch == d.batch {
		d.append(s, t, v, ref)
	}
}

func (d *Detector) append(s *Series, t int64, v verdict.Verdict, ref Ref) {
	if s.batch != d.batch {
		s.batch, s.ordinal = d.batch, len(d.results)
	}
	d.results = append(d.results, Result{Verdict: v, Time: t, Ref: ref, series: s, ordinal: s.ordinal})
}

// forget takes a series that goes out of all counts.
func (d *Detector) forget(s *Series) {
	d.close(s)
	if s.guard != nil {
		d.states[s.guard.counted]--
	}
}

// sweep no longer counts the episodes of series that are no longer seen: they
// are not degraded now, they are gone.
func (d *Detector) sweep() {
	for i := len(d.open) - 1; i >= 0; i-- {
		if isStale(d.open[i].lastSeen, d.now, d.window) {
			d.leave(d.open[i])
		}
	}
}
