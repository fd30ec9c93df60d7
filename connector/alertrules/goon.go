package alertrules

import (
	"context"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"
	"go.uber.org/zap"

	"github.com/foundation-os/otelcol-foundation/internal/rules"
	"github.com/foundation-os/otelcol-foundation/internal/rules/store"
)

// patience is how long after a restart missing data proves nothing: as long as
// Prometheus believes a sample.
const patience = store.Lookback

// leave collects what the engine leaves to the next one of its ID. The store is
// read, and of no use afterwards.
func (e *engine) leave(ctx context.Context) *legacy {
	l := &legacy{
		files: e.files, directory: e.cfg.Directory, sources: e.intake.Sources(), exemplars: e.exemplars,
		kept: &kept{heard: e.clock(), groups: e.eval.states()},
	}
	e.events.whole(func(events []keptEvents) { l.kept.events = events })
	if e.degradations != nil {
		l.kept.degradations = e.degradations.told()
	}
	l.kept.ended, _ = e.ended.state(e.cfg, true)
	l.kept.letters, l.kept.next = e.outbox.leave()
	samples, err := e.store.HandOver(ctx)
	if err != nil {
		e.logger.Warn("the samples cannot be handed over: after a reload all windows begin empty", zap.Error(err))
		return l
	}
	l.samples = samples
	return l
}

// goOn continues what an engine before this one left: in this process, else in
// the storage.
func (e *engine) goOn(ctx context.Context, from *legacy, now time.Time) {
	e.reloaded(ctx, from != nil)
	k, old := e.load(ctx)
	at := now.Add(-e.cfg.EvalDelay)
	rec := rules.Recovery{At: at.UTC(), Patience: patience}
	switch {
	case from != nil:
		k = from.kept
		if e.takeOver(ctx, from) {
			rec.Samples, rec.Patience = true, 0
		}
	case k != nil:
		e.evaluatedUntil(k)
	}
	e.eval.begin(at)
	records := plog.NewLogRecordSlice()
	if k == nil {
		// No letter that a storage may still hold has such a number.
		e.outbox.restore(nil, uint64(now.UnixNano()))
	} else {
		rec.Blind = max(0, now.Sub(k.heard))
		rec.Samples = rec.Samples || e.store.Newest().After(k.heard.Add(-store.Lookback))
		e.resume(ctx, k, rec, now, records)
	}
	if from != nil {
		e.eval.catchUp()
	}
	e.keepAll(ctx, records, old)
}

// reloaded says whether the rule files that were found are in force.
func (e *engine) reloaded(ctx context.Context, reload bool) {
	failed := int64(0)
	if e.rejected != nil {
		failed = 1
		e.logger.Error("the rule files are bad: those from before the reload stay in force", zap.Error(e.rejected))
	} else if reload {
		e.logger.Info("the rules are reloaded", zap.Int("rule_files", len(e.files)))
	}
	e.tel.AlertRulesReloadFailed.Record(ctx, failed)
}

// takeOver goes on with the samples of the engine before, and tells whether they
// are there.
func (e *engine) takeOver(ctx context.Context, from *legacy) bool {
	if from.samples == nil || from.directory != "" && from.directory != e.cfg.Directory {
		return false
	}
	if err := e.store.TakeOver(ctx, from.samples); err != nil {
		e.logger.Warn("the samples cannot be taken over: all windows begin empty", zap.Error(err))
		return false
	}
	return true
}

func (e *engine) resume(ctx context.Context, k *kept, rec rules.Recovery, now time.Time, records plog.LogRecordSlice) {
	e.outbox.restore(k.letters, k.next)
	resumed := rules.Resume(e.eval.groups, k.groups, rec)
	alerts, ended := e.events.restore(k.events, rec.Blind, now)
	if e.cfg.resends() {
		e.ended.restore(k.ended, e.firing(), now)
	}
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
	alerts += resumed.Alerts
	e.tel.AlertRulesRestoredAlerts.Add(ctx, int64(alerts))
	e.logger.Info("the alerts go on", zap.Int("alerts", alerts), zap.Int("ended_with_their_rule", len(ended)), zap.Int("events_not_told_yet", len(k.letters)))
}

// evaluatedUntil tells groups from a storage until when they were evaluated: a
// group is written only when it has changed.
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
