package degradation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cespare/xxhash/v2"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension/xextension/storage"
	"go.opentelemetry.io/collector/processor"
	"go.uber.org/zap"

	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/detector"
)

const (
	// saveInterval is how much of the state a killed process loses at most.
	saveInterval = time.Minute
	// warnInterval keeps a full disk from filling the log.
	warnInterval = 10 * time.Minute
)

// persistence keeps the detector's state in a storage extension.
type persistence struct {
	*degradation
	id          component.ID // of the storage
	own         component.ID
	logger      *zap.Logger
	fingerprint uint64
	ttl         time.Duration

	// What follows belongs to start, then to the saving goroutine, then to
	// shutdown.
	extension storage.Extension
	client    storage.Client // nil while the extension gives none
	sizes     [detector.Parts]int
	failing   bool
	warned    time.Time

	stop   context.CancelFunc
	saving sync.WaitGroup
}

func newPersistence(set processor.Settings, cfg *Config, p *degradation) *persistence {
	return &persistence{
		degradation: p,
		id:          *cfg.Storage,
		own:         set.ID,
		logger:      set.Logger,
		fingerprint: fingerprint(cfg),
		ttl:         cfg.BaselineTTL,
	}
}

// fingerprint tells configurations apart under which the same state means
// something else: the panes, what is measured and which series there are.
// Thresholds are not among them: a baseline stays true when they change.
func fingerprint(cfg *Config) uint64 {
	exclude := slices.Sorted(slices.Values(cfg.ExcludeAttributes))
	return xxhash.Sum64String(fmt.Sprintf("%s %s %d %d %s %q", cfg.Mode.String(), cfg.Seasonality.String(), cfg.Pane, cfg.Window, cfg.Current.String(), slices.Compact(exclude)))
}

// start fails when the configuration names no storage, and never for what is in
// it: a detector that learns anew is better than none.
func (s *persistence) start(ctx context.Context, host component.Host) error {
	var err error
	if s.extension, err = findStorage(host, s.id); err != nil {
		return err
	}
	if err := s.connect(ctx); err != nil {
		s.logger.Warn("the storage cannot be opened: all series learn anew, and the state is in memory only until it can be. "+
			"If it is corrupt, remove it; if another pipeline uses this processor, give it one with a name of its own",
			zap.Stringer("storage", s.id), zap.Error(err))
	} else {
		s.load(ctx)
	}
	background, cancel := context.WithCancel(context.Background()) // ctx ends with the start
	s.stop = cancel
	s.saving.Go(func() { s.saveRegularly(background) })
	return nil
}

func findStorage(host component.Host, id component.ID) (storage.Extension, error) {
	var usable []string
	for other, e := range host.GetExtensions() {
		if _, ok := e.(storage.Extension); ok {
			usable = append(usable, other.String())
		}
	}
	slices.Sort(usable)
	hint := "no storage extension is listed in service::extensions; add one, such as file_storage"
	if len(usable) > 0 {
		hint = "use one of " + strings.Join(usable, ", ")
	}
	found, ok := host.GetExtensions()[id]
	if !ok {
		return nil, fmt.Errorf("storage: there is no extension %s; %s", id, hint)
	}
	ext, ok := found.(storage.Extension)
	if !ok {
		return nil, fmt.Errorf("storage: the extension %s stores nothing; %s", id, hint)
	}
	return ext, nil
}

func (s *persistence) connect(ctx context.Context) error {
	return calmly(func() (err error) {
		s.client, err = s.extension.GetClient(ctx, component.KindProcessor, s.own, "baselines")
		return err
	})
}

func (s *persistence) shutdown(ctx context.Context) error {
	if s.stop == nil {
		return nil // it was never started
	}
	s.stop()
	s.saving.Wait()
	s.save(ctx)
	if s.client == nil {
		return nil
	}
	return calmly(func() error { return s.client.Close(ctx) })
}

// calmly makes an error of a panic: a storage on a broken file may do either,
// and is no reason to let telemetry fall.
func calmly(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = errors.Join(err, fmt.Errorf("the storage panicked: %v", r))
		}
	}()
	return f()
}
