package alertrules

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension/xextension/storage"
	"go.uber.org/zap"
)

// warnInterval keeps a full disk from filling the log.
const warnInterval = 10 * time.Minute

// storageName is the connector's own place in the storage extension.
const storageName = "state"

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

// keyValues is a storage that is tried again when it cannot be opened, and whose
// panics are errors: a storage on a broken file may do either, and is no reason
// to let alerts fall.
type keyValues struct {
	extension storage.Extension
	id, own   component.ID
	logger    *zap.Logger
	client    storage.Client // nil while the extension gives none
	failing   bool
	warned    time.Time
}

func (k *keyValues) connect(ctx context.Context) error {
	if k.client != nil {
		return nil
	}
	return calmly(func() (err error) {
		k.client, err = k.extension.GetClient(ctx, component.KindConnector, k.own, storageName)
		return err
	})
}

func (k *keyValues) get(ctx context.Context, key string) (b []byte, err error) {
	err = calmly(func() error {
		b, err = k.client.Get(ctx, key)
		return err
	})
	return b, err
}

func (k *keyValues) batch(ctx context.Context, ops []*storage.Operation) error {
	if err := k.connect(ctx); err != nil {
		return err
	}
	return calmly(func() error { return k.client.Batch(ctx, ops...) })
}

func (k *keyValues) close(ctx context.Context) error {
	if k.client == nil {
		return nil
	}
	return calmly(func() error { return k.client.Close(ctx) })
}

// tell logs the first failure of a row of them, and its end.
func (k *keyValues) tell(err error, now time.Time) {
	switch {
	case err == nil && k.failing:
		k.failing = false
		k.logger.Info("the state of the alerts is kept again", zap.Stringer("storage", k.id))
	case err != nil && (!k.failing || now.Sub(k.warned) >= warnInterval):
		k.failing, k.warned = true, now
		k.logger.Warn("the state of the alerts could not be kept: a collector that is killed now triggers anew what is firing, and loses what it has not told",
			zap.Stringer("storage", k.id), zap.Error(err))
	}
}

func calmly(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = errors.Join(err, fmt.Errorf("the storage panicked: %v", r))
		}
	}()
	return f()
}
