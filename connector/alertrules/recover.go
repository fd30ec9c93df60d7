package alertrules

import (
	"context"
	"errors"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.uber.org/zap"

	"github.com/foundation-os/otelcol-foundation/internal/record"
)

// openStorage fails when the configuration names a storage that is not there, and
// never for what is in it: alerts that begin anew are better than none.
func (e *engine) openStorage(ctx context.Context, host component.Host) error {
	if e.cfg.Storage == nil {
		return nil
	}
	ext, err := findStorage(host, *e.cfg.Storage)
	if err != nil {
		return err
	}
	e.durable = &durable{
		kv:  keyValues{extension: ext, id: *e.cfg.Storage, own: e.id, logger: e.logger},
		tel: e.tel, clock: e.clock, outbox: e.outbox, groups: map[string]bool{}, events: map[string]bool{},
	}
	if err := e.durable.kv.connect(ctx); err != nil {
		e.logger.Warn("the storage cannot be opened: alerts begin anew, and their state is in memory only until it can be. If it is corrupt, remove it",
			zap.Stringer("storage", *e.cfg.Storage), zap.Error(err))
		e.discarded(ctx, "unreadable")
	}
	return nil
}

// load reads what an engine of an earlier process has left; nil when there is
// nothing. Whatever cannot be used is left out, counted and told of. old lists the
// keys that were read.
func (e *engine) load(ctx context.Context) (k *kept, old []string) {
	if e.durable == nil || e.durable.kv.client == nil {
		return nil, nil
	}
	var h head
	if !e.read(ctx, keyHead, func(b []byte) (err error) {
		h, err = readHead(b)
		return err
	}) {
		return nil, nil
	}
	k = &kept{heard: h.heard, next: h.next, ended: plog.NewLogRecordSlice()}
	for _, key := range h.groups {
		e.read(ctx, key, func(b []byte) error {
			g, err := readGroup(b)
			if err == nil {
				k.groups = append(k.groups, g)
			}
			return err
		})
	}
	for _, key := range h.events {
		e.read(ctx, key, func(b []byte) error {
			ev, err := readEvents(b)
			if err == nil {
				k.events = append(k.events, ev)
			}
			return err
		})
	}
	e.read(ctx, keyDegradations, func(b []byte) (err error) {
		k.degradations, err = readDegraded(b)
		return err
	})
	e.read(ctx, keyEnded, func(b []byte) error {
		records, err := readRecords(b)
		if err == nil {
			k.ended = records
		}
		return err
	})
	for number := h.first; number < h.next; number++ {
		e.read(ctx, keyOfLetter(number), func(b []byte) error {
			records, err := readRecords(b)
			if err == nil && records.Len() > 0 {
				k.letters = append(k.letters, letter{number: number, records: records, stored: true})
			}
			return err
		})
	}
	return k, append(h.groups, h.events...)
}

// read reads one record, and says whether it is there and can be used.
func (e *engine) read(ctx context.Context, key string, parse func(b []byte) error) bool {
	b, err := e.durable.kv.get(ctx, key)
	if b == nil && err == nil {
		return false
	}
	if err == nil {
		if b, err = unseal(key, b); err == nil {
			err = parse(b)
		}
	}
	if err == nil {
		return true
	}
	reason := "unreadable"
	switch {
	case errors.Is(err, record.ErrCorrupt):
		reason = "corrupt"
	case errors.Is(err, record.ErrVersion):
		reason = "version"
	case errors.Is(err, record.ErrConfiguration):
		reason = "place"
	}
	e.discarded(ctx, reason)
	e.logger.Warn("a part of the stored state cannot be used: the alerts it tells of begin anew",
		zap.Stringer("storage", *e.cfg.Storage), zap.String("record", key), zap.String("reason", reason), zap.Error(err))
	return false
}

func (e *engine) discarded(ctx context.Context, reason string) {
	e.count(ctx, e.tel.AlertRulesDiscardedRecords, 1, "reason", reason)
}
