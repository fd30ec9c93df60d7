package exemplars

import (
	"slices"
	"sync"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
)

// Exemplar is one measurement with the span that it was made in. At is in Unix
// milliseconds.
type Exemplar struct {
	At    int64
	Value float64
	Trace [16]byte
	Span  [8]byte
}

// perSeries is how many exemplars of a series are kept: the highest, the lowest,
// and the newest of the others.
const perSeries = 8

// Store is safe for concurrent use. Create it with New.
type Store struct {
	max     int
	mu      sync.Mutex
	n       int
	byName  map[string]map[uint64]*series
	refused int // exemplars of series beyond the bound, since TakeRefused
}

type series struct {
	labels labels.Labels
	kept   []Exemplar
}

// New returns a store of at most maxSeries series.
func New(maxSeries int) *Store {
	return &Store{max: maxSeries, byName: map[string]map[uint64]*series{}}
}

// Add keeps an exemplar of a series. name is the metric's, without the suffixes
// of a histogram's series; ls are its labels without le.
func (s *Store) Add(name string, ls labels.Labels, e Exemplar) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := ls.Hash()
	sr := s.byName[name][h]
	if sr == nil {
		if s.n >= s.max {
			s.refused++
			return
		}
		if s.byName[name] == nil {
			s.byName[name] = map[uint64]*series{}
		}
		sr = &series{labels: ls.Copy()}
		s.byName[name][h] = sr
		s.n++
	}
	sr.add(e)
}

func (sr *series) add(e Exemplar) {
	if slices.Contains(sr.kept, e) {
		return // cumulative streams send them again and again
	}
	sr.kept = append(sr.kept, e)
	if len(sr.kept) <= perSeries {
		return
	}
	high, low := 0, 0
	for i, k := range sr.kept {
		if k.Value > sr.kept[high].Value {
			high = i
		}
		if k.Value < sr.kept[low].Value {
			low = i
		}
	}
	oldest := -1
	for i, k := range sr.kept {
		if i != high && i != low && (oldest < 0 || k.At < sr.kept[oldest].At) {
			oldest = i
		}
	}
	sr.kept = slices.Delete(sr.kept, oldest, oldest+1)
}

// TakeRefused returns how many exemplars found no room since the last call.
func (s *Store) TakeRefused() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.refused
	s.refused = 0
	return n
}

// Forget drops what is older than the cutoff.
func (s *Store) Forget(cutoff int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, all := range s.byName {
		for h, sr := range all {
			sr.kept = slices.DeleteFunc(sr.kept, func(e Exemplar) bool { return e.At < cutoff })
			if len(sr.kept) == 0 {
				delete(all, h)
				s.n--
			}
		}
		if len(all) == 0 {
			delete(s.byName, name)
		}
	}
}

// Query asks for the worst exemplar of some series.
type Query struct {
	Selectors [][]*labels.Matcher // any one may select the series
	Group     labels.Labels       // what the series must not contradict
	From, To  int64               // Unix milliseconds, To included
	Lowest    bool                // the lowest is the worst, else the highest
}

// Worst returns the worst exemplar; of equal ones the newest.
func (s *Store) Worst(q Query) (worst Exemplar, found bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.n == 0 {
		return worst, false
	}
	for name, all := range s.byName {
		selectors := named(q.Selectors, name)
		if len(selectors) == 0 {
			continue
		}
		for _, sr := range all {
			if !agrees(sr.labels, q.Group) || !selected(sr.labels, selectors) {
				continue
			}
			for _, e := range sr.kept {
				if e.At > q.From && e.At <= q.To && (!found || worse(e, worst, q.Lowest)) {
					worst, found = e, true
				}
			}
		}
	}
	return worst, found
}

func worse(a, b Exemplar, lowest bool) bool {
	switch {
	case a.Value != b.Value:
		return (a.Value < b.Value) == lowest
	case a.At != b.At:
		return a.At > b.At
	}
	return slices.Compare(a.Trace[:], b.Trace[:]) < 0 // some order that all replicas have
}

// named are the selectors that may mean the metric.
func named(selectors [][]*labels.Matcher, name string) [][]*labels.Matcher {
	var all [][]*labels.Matcher
	for _, ms := range selectors {
		for _, suffix := range []string{"", "_bucket", "_count", "_sum"} {
			if !slices.ContainsFunc(ms, func(m *labels.Matcher) bool { return m.Name == model.MetricNameLabel && !m.Matches(name+suffix) }) {
				all = append(all, ms)
				break
			}
		}
	}
	return all
}

func selected(ls labels.Labels, selectors [][]*labels.Matcher) bool {
	return slices.ContainsFunc(selectors, func(ms []*labels.Matcher) bool {
		return !slices.ContainsFunc(ms, func(m *labels.Matcher) bool {
			// A point's exemplars lie in all of its buckets.
			return m.Name != model.MetricNameLabel && m.Name != labels.BucketLabel && !m.Matches(ls.Get(m.Name))
		})
	})
}

// agrees tells whether the series has no other value for a label of the group.
// What rules derive may have lost labels, and what they sum up has fewer.
func agrees(ls, group labels.Labels) bool {
	ok := true
	group.Range(func(l labels.Label) {
		if v := ls.Get(l.Name); v != "" && v != l.Value {
			ok = false
		}
	})
	return ok
}
