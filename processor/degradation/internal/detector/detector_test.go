package detector

import (
	"math/rand/v2"
	"testing"

	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/baseline"
	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/verdict"
)

// The table against a list that is searched from end to end.
func TestTable(t *testing.T) {
	for seed := range uint64(50) {
		rng := rand.New(rand.NewPCG(seed, 1))
		tab := newTable[int](5)
		seen := map[Key]int64{}
		now := int64(0)
		for range 2000 {
			now += rng.Int64N(3)
			k := Key{rng.Uint64N(9)}
			staleBefore := now - 10
			_, known := seen[k]
			var oldest Key
			oldestAt := int64(1 << 60)
			for o, at := range seen {
				if at < oldestAt {
					oldest, oldestAt = o, at
				}
			}
			e, evicted := tab.get(k, now, 10)
			switch {
			case known || len(seen) < 5:
				if e == nil || evicted != nil {
					t.Fatal("there was room")
				}
			case oldestAt >= staleBefore:
				if e != nil || evicted != nil {
					t.Fatal("all are alive: the new one must be refused")
				}
				continue
			default:
				if e == nil || evicted == nil || seen[evicted.key] != oldestAt {
					t.Fatalf("%v (%d) should have gone", oldest, oldestAt)
				}
				delete(seen, evicted.key)
			}
			seen[k] = now
			held := 0
			for i := range tab.shards {
				held += len(tab.shards[i].entries)
			}
			if held != len(seen) || tab.size != len(seen) {
				t.Fatal("held", held, "size", tab.size, "want", len(seen))
			}
		}
	}
}

func newTest(all bool) *Detector {
	return New(Options{
		Rule:      verdict.Rule{MeanRatio: 2, P95Ratio: 1.5, MinSamples: 1},
		Panes:     baseline.Panes{Width: 10, Count: 12},
		MaxSeries: 10,
		All:       all,
	})
}

type point struct {
	t int64
	v float64
}

type said struct {
	t     int64
	state verdict.State
}

func (d *Detector) sendTest(k uint64, points ...point) (out []said) {
	d.Begin(1000)
	s := d.Series(Key{k})
	for _, p := range points {
		m := baseline.ScalarMeasurement(p.v)
		d.Observe(s, p.t, &m, Ref{})
	}
	for _, r := range d.Finish() {
		out = append(out, said{r.Time, r.Verdict.State})
	}
	return out
}

func TestEpisodes(t *testing.T) {
	const ok, bad = verdict.OK, verdict.Degraded
	for name, c := range map[string]struct {
		batches [][]point
		want    [][]said
	}{
		"begins and ends":            {[][]point{{{100, 3}}, {{101, 4}}, {{102, 1}}, {{103, 1}}}, [][]said{{{100, bad}}, {{101, bad}}, {{102, ok}}, nil}},
		"within a batch":             {[][]point{{{100, 1}, {101, 3}, {102, 1}, {103, 1}}}, [][]said{{{101, bad}, {102, ok}}}},
		"within a batch, shuffled":   {[][]point{{{102, 1}, {101, 3}, {100, 1}, {103, 1}}}, [][]said{{{101, bad}, {102, ok}}}},
		"one moment, the worst":      {[][]point{{{100, 1}, {100, 3}, {100, 1}}}, [][]said{{{100, bad}}}},
		"a late good one is no end":  {[][]point{{{105, 3}}, {{103, 1}}, {{106, 1}}}, [][]said{{{105, bad}}, nil, {{106, ok}}}},
		"a late bad one is told":     {[][]point{{{105, 1}}, {{103, 3}}, {{106, 1}}}, [][]said{nil, {{103, bad}}, {{106, ok}}}},
		"a gap longer than a window": {[][]point{{{100, 3}}, {{900, 3}}}, [][]said{{{100, bad}}, {{900, ok}}}},
	} {
		d := newTest(false)
		for i := range int64(9) {
			d.sendTest(1, point{i * 10, 1})
		}
		for i, b := range c.batches {
			got := d.sendTest(1, b...)
			if len(got) != len(c.want[i]) {
				t.Errorf("%s, batch %d: %v, want %v", name, i, got, c.want[i])
				continue
			}
			for j := range got {
				if got[j] != c.want[i][j] {
					t.Errorf("%s, batch %d: %v, want %v", name, i, got, c.want[i])
				}
			}
		}
	}
}

func TestDegradedIsCounted(t *testing.T) {
	d := newTest(false)
	for k := range uint64(5) {
		d.sendTest(k, point{1, 1})
	}
	for k := range uint64(5) {
		d.sendTest(k, point{11, 9})
	}
	if d.Degraded() != 5 {
		t.Fatal(d.Degraded())
	}
	for i, k := range []uint64{2, 0, 4, 1, 3} { // in another order than they came
		d.sendTest(k, point{12, 1})
		if d.Degraded() != 4-i {
			t.Fatal(d.Degraded())
		}
	}
}

func TestAdmit(t *testing.T) {
	d := newTest(false) // a window of 120
	d.Begin(1000)
	for _, c := range []struct {
		t    int64
		want bool
	}{{1, true}, {1120, true}, {1121, true}, {1242, false}, {1241, true}, {1 << 62, false}, {5, true}} {
		if got := d.Admit(c.t); got != c.want {
			t.Errorf("%d: %v", c.t, got)
		}
	}
}

func TestRepeat(t *testing.T) {
	d := newTest(false)
	d.sendTest(1, point{0, 1})
	d.sendTest(1, point{11, 3})
	var got []said
	for _, at := range []int64{5, 12, 60, 131, 132, 133} {
		d.Begin(1000)
		d.Repeat(d.Series(Key{1}), at, Ref{})
		for _, r := range d.Finish() {
			got = append(got, said{r.Time, r.Verdict.State})
		}
	}
	want := []said{{12, verdict.Degraded}, {60, verdict.Degraded}, {131, verdict.Degraded}, {132, verdict.OK}}
	if len(got) != len(want) {
		t.Fatal(got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Error(got[i], want[i])
		}
	}
	d.Begin(1000)
	d.Repeat(d.Series(Key{2}), 5, Ref{})
	if d.Finish() != nil {
		t.Error("nothing was ever said of it")
	}
}
