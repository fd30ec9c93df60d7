package alertrules

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"
)

// told is what a follower of the stream knows of each event: its name without
// the prefix, the state, and when the episode began and ended.
func told(records []plog.LogRecord) []string {
	var all []string
	for _, lr := range records {
		s := strings.TrimPrefix(lr.EventName(), "foundation_os.alert.")
		for _, k := range []string{"alert.rule.name", "alert.state", "alert.starts_at", "alert.ends_at"} {
			if v, ok := lr.Attributes().Get(k); ok {
				s += " " + strings.TrimPrefix(v.AsString(), "2026-01-02T")
			}
		}
		all = append(all, s)
	}
	return all
}

func TestActiveAlertsAndEndsAreToldAgain(t *testing.T) {
	r := newRig(t, `
evaluation_interval: 30s
resend_interval: 1m
rules: [{name: R, metric: m, aggregate: last, window: 30s, op: gt, threshold: 1}]
`)
	feed := func(v float64) []string {
		r.send(gauge(r.clock.add(10*time.Second), "m", point{v: v}))
		r.step(20 * time.Second)
		return told(r.all())
	}
	assert.Empty(t, feed(0)) // 12:00:30
	assert.Equal(t, []string{"triggered R firing 12:01:00Z"}, feed(2), "and not at once again")
	assert.Empty(t, feed(2))
	assert.Equal(t, []string{"active R firing 12:01:00Z"}, feed(3))
	first := feed(0)
	assert.Equal(t, []string{"resolved R resolved 12:01:00Z 12:02:30Z"}, first)
	assert.Equal(t, []string{"active R resolved 12:01:00Z 12:02:30Z"}, feed(0))
	// It begins again: the old end is told no more.
	assert.Equal(t, []string{"triggered R firing 12:03:30Z"}, feed(2))
	assert.Equal(t, []string{"active R firing 12:03:30Z"}, feed(2))
	assert.Equal(t, []string{"resolved R resolved 12:03:30Z 12:04:30Z"}, feed(0))
	n := 0
	for range 40 {
		got := feed(0)
		for _, s := range got {
			assert.Equal(t, "active R resolved 12:03:30Z 12:04:30Z", s)
		}
		n += len(got)
	}
	assert.Equal(t, 15, n, "for fifteen minutes")
}

func TestReSendsSayHowItIsNow(t *testing.T) {
	r := newRig(t, `
evaluation_interval: 30s
resend_interval: 30s
rules: [{name: R, metric: m, aggregate: last, window: 30s, op: gt, threshold: 1, annotations: {s: 'at {{ $value }}'}}]
`)
	var begin map[string]any
	for _, v := range []float64{2, 7} {
		r.send(gauge(r.clock.add(10*time.Second), "m", point{v: v}))
		r.step(20 * time.Second)
		got := r.all()
		require.Len(t, got, 1)
		raw := got[0].Attributes().AsRaw()
		if begin == nil {
			begin = raw
			continue
		}
		assert.Equal(t, "foundation_os.alert.active", got[0].EventName())
		assert.Equal(t, t0.Add(time.Minute), got[0].Timestamp().AsTime())
		begin["alert.value"], begin["alert.annotation.s"] = 7.0, "at 7"
		assert.Equal(t, begin, raw, "all else is as it was: ids, start, reason")
	}
}

func TestEventRulesAreToldAgain(t *testing.T) {
	r := newRig(t, breaker)
	r.log(t0, "a", "open")
	r.log(t0, "b", "open")
	r.step(10 * time.Second)
	r.log(r.clock.now(), "a", "closed")
	r.all()
	r.step(50 * time.Second)
	assert.Equal(t, []string{"resolved Open resolved 12:00:00Z 12:01:00Z", "active Open resolved 12:00:00Z 12:00:10Z"}, told(r.all()),
		"b expired at this moment; that is told once, a's end again")
}

func TestWhatIsToldIsChosen(t *testing.T) {
	const rule = `
evaluation_interval: 30s
resend_interval: 30s
rules: [{name: R, metric: m, aggregate: last, window: 30s, op: gt, threshold: 1, for: 30s, no_data: keep_last, flapping: {transitions: 2, window: 1h}}]
`
	run := func(emit string) []string {
		r := newRig(t, emit+rule)
		for _, v := range []float64{2, 2, -1, 2, 0, 2, 2, 0} {
			at := r.clock.add(10 * time.Second)
			if v >= 0 {
				r.send(gauge(at, "m", point{v: v}))
			}
			r.step(20 * time.Second)
		}
		r.stop()
		return told(r.all())
	}
	all := run("emit: [triggered, resolved, active, pending, no_data, flapping]")
	assert.Equal(t, []string{
		"pending R pending 12:00:30Z", "triggered R firing 12:01:00Z", "no_data R firing 12:01:00Z", "active R firing 12:01:00Z", "active R firing 12:01:00Z",
		"resolved R resolved 12:01:00Z 12:02:30Z", "pending R pending 12:03:00Z", "active R resolved 12:01:00Z 12:02:30Z",
		"triggered R firing 12:03:30Z", "flapping R firing 12:03:30Z", "active R firing 12:03:30Z",
	}, all)
	for _, kind := range kinds {
		var want []string
		for _, s := range all {
			if strings.HasPrefix(s, kind+" ") {
				want = append(want, s)
			}
		}
		assert.Equal(t, want, run("emit: ["+kind+"]"), kind)
	}
}

// A destination that is away for long would otherwise get a heap of what it
// could learn from the last one, and lose begins and ends for want of room.
func TestReSendsThatAreRefusedAreReplaced(t *testing.T) {
	r := newRig(t, breaker+"resend_interval: 10s\n")
	f := &refusing{Logs: r.logs, err: errors.New("busy"), times: 4}
	r.ll.(*logsInstance).next, r.e.logs = f, f
	r.log(t0, "a", "open")
	for range 4 {
		r.step(10 * time.Second)
	}
	assert.Equal(t, []string{"triggered Open firing 12:00:00Z", "active Open firing 12:00:00Z"}, told(r.all()))
	assert.Equal(t, int64(3), r.counter("otelcol_alert_rules_events", "outcome", "superseded"))
	assert.Equal(t, int64(2), r.counter("otelcol_alert_rules_events", "outcome", "sent"))
}

func TestReSendsTakeNoRoomFromEvents(t *testing.T) {
	o := newOutbox("x")
	again := plog.NewLogRecordSlice()
	for range maxOutbox + 5 {
		again.AppendEmpty().SetEventName("x.active")
	}
	o.resend(again)
	o.add(numbered(1))
	for range maxOutbox {
		o.add(numbered(2))
	}
	assert.Equal(t, maxOutbox, o.records, "nor do they give way")
	assert.Equal(t, maxOutbox+5, o.resends.Len())
	_, dropped, err := o.send(t.Context(), &refusing{err: errors.New("busy"), times: 1})
	require.Error(t, err)
	assert.Equal(t, 1, dropped)
	taken, _ := o.take()
	all := plog.NewLogRecordSlice()
	taken.records(all)
	require.Equal(t, maxOutbox, all.Len(), "re-sends are not kept")
	first, _ := all.At(0).Attributes().Get("i")
	assert.Equal(t, int64(2), first.Int(), "the oldest event went")
}

// An alert that is told again as firing, before its end is added, comes before it.
func TestReSendsKeepTheirPlaceAmongTheEvents(t *testing.T) {
	o := newOutbox("x")
	again := plog.NewLogRecordSlice()
	again.AppendEmpty().Attributes().PutInt("i", 2)
	o.add(numbered(1))
	o.resend(again)
	o.add(numbered(3))
	taken, _ := o.take()
	all := plog.NewLogRecordSlice()
	taken.records(all)
	for i := range all.Len() {
		v, _ := all.At(i).Attributes().Get("i")
		assert.Equal(t, int64(i+1), v.Int())
	}
}

// What nobody will ask for is not remembered: neither ends, when nothing is told
// again, nor the numbers of what was taken, without a storage to forget it.
func TestNothingIsRememberedForNothing(t *testing.T) {
	for _, off := range []string{"resend_interval: 0s\n", "emit: [triggered, resolved]\n"} {
		r := newRig(t, breaker+off)
		for range 3 {
			r.log(r.clock.now(), "a", "open")
			r.log(r.clock.now(), "a", "closed")
			r.step(time.Minute)
		}
		assert.Len(t, r.records(), 6)
		assert.Empty(t, r.e.ended.byID)
		assert.Empty(t, r.e.outbox.gone)
	}
}

func TestEndsThatAreToldAgainAreBounded(t *testing.T) {
	var d ended
	e := alertEvent{kind: KindResolved}
	for i := range maxEnded {
		e.id = fmt.Sprint(i)
		require.True(t, d.note(&e, t0))
	}
	e.id = "more"
	assert.False(t, d.note(&e, t0))
	e.id = "1"
	assert.True(t, d.note(&e, t0), "it is there already")
	assert.Len(t, d.resends(t0.Add(resendEnded)), maxEnded)
	assert.Empty(t, d.resends(t0.Add(resendEnded+1)))
	assert.Empty(t, d.byID)
}
