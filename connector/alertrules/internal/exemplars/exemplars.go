package exemplars

import (
	"slices"
	"sync"

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
