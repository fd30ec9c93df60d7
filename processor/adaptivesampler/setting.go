package adaptivesampler

import (
	"sync/atomic"
	"time"

	"github.com/foundation-os/otelcol-foundation/processor/adaptivesampler/internal/budget"
)

// setting is what decisions go by besides the item itself. A trace keeps the one
// of its first span: a step in between does not tear it, and no span has a part
// in what it is decided by.
type setting struct {
	level int
	// times is nil where nothing is multiplied, as without a budget.
	times *multiplied
}

// multiplied are the multipliers of the budget, and the outcomes under them of
// the classes that were seen, made at the first sight.
type multiplied struct {
	by      budget.Multipliers
	classes []atomic.Pointer[outcomes] // by index
}

func (s *setting) multipliers() budget.Multipliers {
	if s.times == nil {
		return budget.Multipliers{Errors: 1, Others: 1}
	}
	return s.times.by
}

// outcomes of a class with the budget's multipliers.
func (s *setting) outcomes(t *table, c *class) *outcomes {
	made := &s.times.classes[c.index]
	if all := made.Load(); all != nil {
		return all
	}
	all := &outcomes{}
	t.fill(all, c, s.level, s.times.by)
	made.Store(all)
	return all
}

// settle puts the level of the load and the multipliers of the budget in force.
func (m *monitor) settle(now time.Time, near bool) {
	last := m.history.Now().Value()
	next := &setting{level: int(m.level.Load()), times: last.times}
	if m.budget != nil {
		near = true // demand does not come slowly
		if by, changed := m.budget.tick(now); changed {
			next.times = nil
			if by != (budget.Multipliers{Errors: 1, Others: 1}) {
				next.times = &multiplied{by: by, classes: make([]atomic.Pointer[outcomes], m.budget.classes)}
			}
		}
	}
	if *next != *last {
		m.history.Change(now, next)
	}
	m.history.Tick(now, near)
}

// evicted is how many traces in flight lost their setting since the last time.
func (m *monitor) evicted() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	before := m.evictions
	m.evictions = m.history.Evicted()
	return m.evictions - before
}
