package store

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func histo(n float64) *histogram.FloatHistogram {
	return &histogram.FloatHistogram{
		Schema: 0, ZeroThreshold: 1e-128, Count: n, Sum: 3 * n,
		PositiveSpans: []histogram.Span{{Offset: 2, Length: 1}}, PositiveBuckets: []float64{n},
	}
}

// feedAll writes one step of streams of every kind.
func feedAll(t *testing.T, s *Store, step int) {
	t.Helper()
	from, at := ms(10*step), ms(10*step+10)
	r := rand.New(rand.NewPCG(1, uint64(step)))
	b := s.Batch(t.Context())
	name := func(n string) labels.Labels { return labels.FromStrings("__name__", n) }
	b.Float(name("gauge"), Point{Time: at}, r.Float64())
	b.Float(name("delta"), Point{Kind: Delta, Start: from, Time: at}, float64(r.IntN(5)))
	b.Float(name("total"), Point{Kind: Cumulative, Start: ms(0), Time: at}, float64(step*3))
	b.Float(name("resets"), Point{Kind: Cumulative, Start: from, Time: at}, float64(r.IntN(5)))
	b.Histogram(name("histogram"), Point{Kind: Delta, Start: from, Time: at}, histo(float64(1+r.IntN(5))))
	if step%7 == 3 {
		b.Float(name("gauge"), Point{Time: at - 45_000}, 7) // late
		b.Float(name("ends"), Point{Time: at, Stale: true}, 0)
	} else {
		b.Float(name("ends"), Point{Time: at}, 1)
	}
	c, err := b.Commit()
	require.NoError(t, err)
	require.Zero(t, c.Invalid)
}

// answersOf are what rules would see.
func answersOf(t *testing.T, s *Store, step int) map[string]promql.Vector {
	t.Helper()
	all := map[string]promql.Vector{}
	for _, q := range []string{
		"gauge", "avg_over_time(gauge[5m])", "count_over_time(gauge[5m])", "delta", "increase(delta[3m])", "resets(delta[10m])", "increase(total[3m])",
		"increase(resets[3m])", "resets(resets[5m])", "histogram_count(increase(histogram[3m]))", "histogram_quantile(0.9, rate(histogram[3m]))", "ends", "count_over_time(ends[5m])",
	} {
		v, err := s.Query(t.Context(), q, t0.Add(time.Duration(10*step+10)*time.Second))
		require.NoError(t, err)
		all[q] = v
	}
	return all
}

// A store that goes on sees what one sees that never stopped.
func TestAStoreThatGoesOnSeesTheSame(t *testing.T) {
	for name, goOn := range map[string]func(t *testing.T, s *Store, opt Options) *Store{
		"in the same process": func(t *testing.T, s *Store, opt Options) *Store {
			held, err := s.HandOver(t.Context())
			require.NoError(t, err)
			next := open(t, opt)
			require.NoError(t, next.TakeOver(t.Context(), held))
			return next
		},
		"in the same process, by its folder": func(t *testing.T, s *Store, opt Options) *Store {
			held, err := s.HandOver(t.Context())
			require.NoError(t, err)
			assert.Nil(t, held.held)
			require.NoError(t, s.db.Close())
			next := open(t, opt)
			require.NoError(t, next.TakeOver(t.Context(), held))
			return next
		},
		"in another process, by its folder": func(t *testing.T, s *Store, opt Options) *Store {
			require.NoError(t, s.db.Close())
			return open(t, opt)
		},
	} {
		t.Run(name, func(t *testing.T) {
			opt := Options{}
			if name != "in the same process" {
				opt.Dir = t.TempDir()
			}
			straight, s := open(t, Options{}), open(t, opt)
			for step := range 100 {
				feedAll(t, straight, step)
				feedAll(t, s, step)
				if step%30 == 29 {
					s = goOn(t, s, opt)
				}
				require.Equal(t, answersOf(t, straight, step), answersOf(t, s, step), "step %d", step)
			}
		})
	}
}

func TestABrokenFolderIsSetAside(t *testing.T) {
	for _, what := range []string{"wal", "chunks_head"} {
		t.Run(what, func(t *testing.T) {
			dir := t.TempDir()
			require.NoError(t, os.WriteFile(filepath.Join(dir, what), []byte("no folder"), 0o600))
			s := open(t, Options{Dir: dir})
			require.Error(t, s.Broken())
			feedAll(t, s, 0)
			assert.FileExists(t, filepath.Join(dir, aside, what))
		})
	}
	t.Run("but not one that somebody uses", func(t *testing.T) {
		dir := t.TempDir()
		s := open(t, Options{Dir: dir})
		feedAll(t, s, 0)
		_, err := Open(Options{Dir: dir, Reach: time.Hour})
		require.ErrorContains(t, err, "lock")
		assert.NoDirExists(t, filepath.Join(dir, aside))
	})
	t.Run("random bytes in the log are repaired or set aside", func(t *testing.T) {
		r := rand.New(rand.NewPCG(1, 2))
		for range 20 {
			dir := t.TempDir()
			s := open(t, Options{Dir: dir})
			for step := range 20 {
				feedAll(t, s, step)
			}
			require.NoError(t, s.db.Close())
			logs, err := filepath.Glob(filepath.Join(dir, "wal", "0*"))
			require.NoError(t, err)
			for _, path := range logs {
				b, err := os.ReadFile(path)
				require.NoError(t, err)
				for range 10 {
					b[r.IntN(len(b))] = byte(r.Uint32())
				}
				require.NoError(t, os.WriteFile(path, b, 0o600))
			}
			s = open(t, Options{Dir: dir})
			feedAll(t, s, 20)
		}
	})
}
