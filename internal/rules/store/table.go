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
	before map[uint64]*series // of an earlier process, until they get a point
	late   bool               // something was written out of order since the last forget
}

func (t *table) init(maxSeries int) {
	t.max = maxSeries
	t.byHash, t.before = map[uint64]*series{}, map[uint64]*series{}
}

func (t *table) find(ls labels.Labels) *series {
	for s := t.byHash[ls.Hash()]; s != nil; s = s.next {
		if labels.Equal(s.labels, ls) {
			return s
		}
	}
	return nil
}

// known is find, also among the series of an earlier process.
func (t *table) known(ls labels.Labels) *series {
	if s := t.find(ls); s != nil || len(t.before) == 0 {
		return s
	}
	if t.recalled(ls.Hash(), ls) == nil {
		return nil
	}
	s, _ := t.get(ls)
	return s
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
	s, isNew = t.recalled(h, ls), false
	if s == nil {
		s, isNew = &series{labels: ls.Copy()}, true
	}
	s.next = t.byHash[h]
	t.byHash[h] = s
	t.n++
	return s, isNew
}

// recalled takes a series out of those of before.
func (t *table) recalled(h uint64, ls labels.Labels) *series {
	for at := t.before[h]; at != nil; at = at.next {
		if labels.Equal(at.labels, ls) {
			c := *at
			return &c // its place in the list does not matter: it is found here first
		}
	}
	return nil
}

// forget drops series without a point since the cutoff and tells whether late
// points came in since the last time.
func (t *table) forget(cutoff int64) (late bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	clear(t.before)
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
