package alertrules

import (
	"sync"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/connector"

	"github.com/foundation-os/otelcol-foundation/connector/alertrules/internal/exemplars"
	"github.com/foundation-os/otelcol-foundation/connector/alertrules/internal/intake"
	"github.com/foundation-os/otelcol-foundation/internal/rules/store"
)

// registry finds the one engine of a component. The collector makes an instance
// of a connector for each pair of signals that it connects, all with the same ID
// and the same configuration. And it holds what an engine leaves when it stops:
// a reload stops everything and builds it anew, and an engine of the same ID goes
// on where the one before it was.
type registry struct {
	clock   func() time.Time
	ticks   bool // engines evaluate by themselves
	mu      sync.Mutex
	engines map[engineKey]*engine
	left    map[component.ID]*legacy
}

type engineKey struct {
	id  component.ID
	cfg *Config
}

// legacy is what an engine leaves to the one that takes its place.
type legacy struct {
	files     []ruleText // that were in force
	kept      *kept
	directory string
	samples   *store.Samples // nil when they could not be copied
	sources   *intake.Sources
	exemplars *exemplars.Store
}

// legacyLife is how long a legacy waits. A collector that reloads asks for it at
// once; nobody asks for that of a connector that was taken out.
const legacyLife = 10 * time.Minute

// newRegistry takes a clock. Without ticks nothing is evaluated by itself: tests
// that set the clock evaluate when they want.
func newRegistry(clock func() time.Time, ticks bool) *registry {
	return &registry{clock: clock, ticks: ticks, engines: map[engineKey]*engine{}, left: map[component.ID]*legacy{}}
}

func (r *registry) engine(set connector.Settings, cfg component.Config) (*engine, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := engineKey{set.ID, cfg.(*Config)}
	if e, ok := r.engines[key]; ok {
		return e, nil
	}
	var inForce []ruleText
	l, reload := r.left[set.ID]
	if reload {
		inForce = l.files
	}
	e, err := newEngine(key.cfg, set, r, inForce, reload)
	if err != nil {
		return nil, err
	}
	r.engines[key] = e
	return e, nil
}

// forget takes an engine out, and keeps what it leaves.
func (r *registry) forget(e *engine, l *legacy) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.engines, engineKey{e.id, e.cfg})
	if l == nil {
		return
	}
	r.left[e.id] = l
	time.AfterFunc(legacyLife, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.left[e.id] == l {
			delete(r.left, e.id)
		}
	})
}

// inherit gives away what an engine of the ID left; nil = there was none.
func (r *registry) inherit(id component.ID) *legacy {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := r.left[id]
	delete(r.left, id)
	return l
}

// reloads tells whether rule files are in force in this process, so that bad ones
// need not end it.
func (r *registry) reloads() bool {
	if r == nil {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.left) > 0
}
