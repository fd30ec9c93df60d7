package store

import (
	"sync"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
)

// series is what a Batch remembers of a series between two points.
type series struct {
	labels labels.Labels
	ref    uint64
	last   int64 // the newest time written
	start  int64 // of cumulative points, the newest start
	next   *series

	// Delta streams: the total so far, and the time that it is written for.
	sum   float64
	hist  *histogram.FloatHistogram
	at    int64
	dirty bool
}

// table finds series by their labels. When it is full it refuses what is new:
// evicting would forget the totals of live delta streams. Series that nothing
// was written to within reach are forgotten by Truncate.
type table struct {
	mu     sync.Mutex
	max    int
	n      int
	byHash map[uint64]*series
	late   bool // something was written out of order since the last forget
}

func (t *table) init(maxSeries int) {
	t.max = maxSeries
	t.byHash = map[uint64]*series{}
}

func (t *table) find(ls labels.Labels) *series {
	for s := t.byHash[ls.Hash()]; s != nil; s = s.next {
		if labels.Equal(s.labels, ls) {
			return s
		}
	}
	return nil
}

// get returns nil when there is no room for a new series.
func (t *table) get(ls labels.Labels) (s *series, isNew bool) {
	h := ls.Hash()
	for s := t.byHash[h]; s != nil; s = s.next {
		if labels.Equal(s.labels, ls) {
			return s, false
		}
	}
	if t.max > 0 && t.n >= t.max {
		return nil, false
	}
	s = &series{labels: ls.Copy(), next: t.byHash[h]}
	t.byHash[h] = s
	t.n++
	return s, true
}

// forget drops series without a point since the cutoff and tells whether late
// points came in since the last time.
func (t *table) forget(cutoff int64) (late bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for h, s := range t.byHash {
		var kept *series
		for s != nil {
			next := s.next
			if s.last >= cutoff {
				s.next, kept = kept, s
			} else {
				t.n--
			}
			s = next
		}
		if kept == nil {
			delete(t.byHash, h)
		} else {
			t.byHash[h] = kept
		}
	}
	late, t.late = t.late, false
	return late
}
