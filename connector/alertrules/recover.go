package alertrules

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.uber.org/zap"

	"github.com/foundation-os/otelcol-foundation/internal/record"
	"github.com/foundation-os/otelcol-foundation/internal/rules"
	"github.com/foundation-os/otelcol-foundation/internal/rules/store"
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

// patience is how long after a restart missing data proves nothing: as long as
// Prometheus believes a sample.
const patience = store.Lookback

// goOn continues what was left, and keeps all of it as it is now.
func (e *engine) goOn(ctx context.Context, k *kept, old []string, now time.Time) {
	if k == nil {
		// No letter that a storage may still hold has such a number.
		e.outbox.restore(nil, uint64(now.UnixNano()))
	}
	records := plog.NewLogRecordSlice()
	if k != nil {
		e.outbox.restore(k.letters, k.next)
		e.ended.restore(k.ended, now)
		blind := max(0, now.Sub(k.heard))
		rec := rules.Recovery{At: now.Add(-e.cfg.EvalDelay).UTC(), Blind: blind, Patience: patience}
		rec.Samples = e.store.Newest().After(k.heard.Add(-store.Lookback))
		e.evaluatedUntil(k)
		resumed := rules.Resume(e.eval.groups, k.groups, rec)
		alerts, ended := e.events.restore(k.events, blind, now)
		if e.degradations != nil {
			e.degradations.restore(k.degradations, now)
		}
		for _, c := range resumed.Ended {
			ended = append(ended, eventOfChange(c))
		}
		e.records(ended, now).MoveAndAppendTo(records)
		if err := rules.MarkStale(ctx, resumed.Stale, rec.At, e.store); err != nil {
			e.logger.Warn("series of rules that are there no longer could not be ended", zap.Error(err))
		}
		e.eval.wasActive(k.groups)
		e.tel.AlertRulesRestoredAlerts.Add(ctx, int64(resumed.Alerts+alerts))
		e.logger.Info("the alerts go on", zap.Int("alerts", resumed.Alerts+alerts), zap.Int("ended_with_their_rule", len(ended)), zap.Int("events_not_told_yet", len(k.letters)))
	}
	e.keepAll(ctx, records, old)
}

// evaluatedUntil tells the groups until when they were evaluated: a group is
// written only when it has changed.
func (e *engine) evaluatedUntil(k *kept) {
	for i := range k.groups {
		g := &k.groups[i]
		for _, own := range e.eval.groups {
			if own.File != g.File || own.Name != g.Name {
				continue
			}
			if last := aligned(k.heard.Add(-e.cfg.EvalDelay), own.Interval); last.After(g.Last) {
				g.Last = last
			}
		}
	}
}
