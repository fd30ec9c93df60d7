package alertrules

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/plog"
)

const breaker = `
evaluation_interval: 10s
limits: {alerts_per_rule: 2}
events:
  - name: Open
    condition: log.attributes["to"] == "open"
    resolve: log.attributes["to"] == "closed"
    group_by: [breaker, service.name]
    expire_after: 1m
`

func breakerLog(at time.Time, name, to string) plog.Logs {
	ld := plog.NewLogs()
	rl := ld.ResourceLogs().AppendEmpty()
	rl.Resource().Attributes().PutStr("service.name", "shop")
	lr := rl.ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
	if !at.IsZero() {
		lr.SetTimestamp(ts(at))
	}
	lr.Attributes().PutStr("breaker", name)
	lr.Attributes().PutStr("to", to)
	return ld
}

func (r *rig) log(at time.Time, name, to string) {
	r.t.Helper()
	require.NoError(r.t, r.ll.ConsumeLogs(r.t.Context(), breakerLog(at, name, to)))
}

func TestEventRulesExpire(t *testing.T) {
	r := newRig(t, breaker)
	r.log(t0, "a", "open")
	r.step(50 * time.Second)
	r.log(r.clock.now(), "a", "open") // it is still so
	r.step(50 * time.Second)
	got := r.records()
	require.Len(t, got, 1)
	assert.Equal(t, "shop", got[0].Attributes().AsRaw()["alert.label.service.name"], "groups look at the resource too")
	r.step(10 * time.Second)
	got = r.records()
	require.Len(t, got, 1)
	assert.Equal(t, "foundation_os.alert.resolved", got[0].EventName())
	assert.Equal(t, "expired", got[0].Attributes().AsRaw()["alert.reason"])
	assert.NotContains(t, got[0].Attributes().AsRaw(), "alert.value")
	r.log(r.clock.now(), "a", "closed")
	assert.Empty(t, r.short(), "it was over")
}

// Records come late, and clocks differ.
func TestNoAlertEndsBeforeItStarts(t *testing.T) {
	r := newRig(t, breaker)
	start := t0.Add(20 * time.Minute)
	r.log(start, "resolved", "open")
	r.log(start.Add(-time.Minute), "resolved", "closed")
	r.log(start, "expired", "open")
	r.step(5 * time.Minute)
	got := r.records()
	require.Len(t, got, 4)
	for _, i := range []int{1, 3} {
		assert.Equal(t, "foundation_os.alert.resolved", got[i].EventName())
		assert.Equal(t, start, got[i].Timestamp().AsTime())
		assert.Equal(t, "2026-01-02T12:20:00Z", got[i].Attributes().AsRaw()["alert.ends_at"])
	}
}

func TestEventRulesAreBounded(t *testing.T) {
	r := newRig(t, breaker)
	for i := range 5 {
		r.log(t0, fmt.Sprint(i), "open")
	}
	assert.Len(t, r.short(), 2)
	assert.Equal(t, int64(3), r.counter("otelcol_alert_rules_refused", "reason", "event_limit"))
	r.log(t0, "0", "closed")
	r.log(t0, "9", "open")
	assert.Equal(t, []string{"foundation_os.alert.resolved Open resolve_met", "foundation_os.alert.triggered Open condition_met"}, r.short())
	r.step(10 * time.Second)
	assert.Contains(t, r.points("alert.active"), "map[alert.rule.name:Open severity:warning state:firing] 2")
}

func TestGroupsAreTextsThatCanBeSentOn(t *testing.T) {
	r := newRig(t, breaker)
	r.log(t0, "a\xff"+strings.Repeat("é", maxText), "open")
	got := r.records()
	require.Len(t, got, 1)
	label := got[0].Attributes().AsRaw()["alert.label.breaker"].(string)
	assert.True(t, utf8.ValidString(label))
	assert.LessOrEqual(t, len(label), maxText)
	assert.True(t, strings.HasPrefix(label, "a\uFFFDé"))
	r.log(t0, "a\xff"+strings.Repeat("é", maxText), "closed")
	assert.Len(t, r.short(), 1)
}

func TestIncredibleTimesOfRecordsAreNotTaken(t *testing.T) {
	r := newRig(t, breaker)
	r.log(time.Time{}, "a", "open")
	r.log(t0.AddDate(400, 0, 0), "b", "open")
	for _, lr := range r.records() {
		assert.Equal(t, t0, lr.Timestamp().AsTime())
	}
}

// refusing refuses the first calls.
type refusing struct {
	consumer.Logs
	err   error
	times int
}

func (f *refusing) ConsumeLogs(ctx context.Context, ld plog.Logs) error {
	if f.times--; f.times >= 0 {
		return f.err
	}
	return f.Logs.ConsumeLogs(ctx, ld)
}

func TestEventsWaitForTheirDestination(t *testing.T) {
	r := newRig(t, breaker)
	f := &refusing{Logs: r.logs, err: errors.New("busy"), times: 2}
	r.ll.(*logsInstance).next, r.e.logs = f, f
	r.log(t0, "a", "open")
	r.log(t0, "a", "closed")
	assert.Empty(t, r.short())
	r.step(10 * time.Second)
	assert.Equal(t, []string{"foundation_os.alert.triggered Open condition_met", "foundation_os.alert.resolved Open resolve_met"}, r.short(), "both, in their order")
	r.step(10 * time.Second)
	assert.Empty(t, r.short(), "once")

	f.err, f.times = consumererror.NewPermanent(errors.New("never")), 1
	r.log(t0, "a", "open")
	r.step(10 * time.Second)
	assert.Empty(t, r.short())
	assert.Equal(t, int64(1), r.counter("otelcol_alert_rules_events", "outcome", "dropped"))
}

func TestOutboxIsBounded(t *testing.T) {
	o := newOutbox("x")
	f := &refusing{err: errors.New("busy"), times: 1}
	records := plog.NewLogRecordSlice()
	for i := range maxOutbox + 5 {
		records.AppendEmpty().Attributes().PutInt("i", int64(i))
	}
	o.add(records)
	_, dropped, err := o.send(t.Context(), f)
	require.Error(t, err)
	assert.Equal(t, 5, dropped)
	assert.Equal(t, maxOutbox, o.records)
	assert.Equal(t, maxOutbox, o.letters[0].records.Len())
	first, _ := o.letters[0].records.At(0).Attributes().Get("i")
	assert.Equal(t, int64(5), first.Int(), "the oldest go")
}

// Whoever follows the events of an alert must find it as it is: a resolved that
// overtakes its triggered leaves an alert that fires for ever.
func TestEventsComeOutInTheOrderOfTheirChanges(t *testing.T) {
	r := newRig(t, "evaluation_interval: 1s\nresend_interval: 1s\n"+`
events:
  - name: Open
    condition: log.attributes["to"] == "open"
    resolve: log.attributes["to"] == "closed"
    group_by: [breaker]
    expire_after: 3s
`)
	var wg sync.WaitGroup
	for s := range 8 {
		wg.Go(func() {
			for i := range 500 {
				assert.NoError(t, r.ll.ConsumeLogs(t.Context(), breakerLog(t0, "a", []string{"open", "closed"}[(s+i)%2])))
			}
		})
	}
	wg.Go(func() {
		for range 100 {
			r.step(time.Second)
		}
	})
	wg.Wait()
	r.step(time.Second)
	r.step(time.Second) // whatever came last is told again, unless it was in the first
	got := r.all()
	state, resent := "resolved", 0
	for i, lr := range got {
		s, _ := lr.Attributes().Get("alert.state")
		if strings.HasSuffix(lr.EventName(), ".active") {
			require.Equal(t, state, s.Str(), "re-send %d of %d", i, len(got))
			resent++
			continue
		}
		require.NotEqual(t, state, s.Str(), "event %d of %d", i, len(got))
		state = s.Str()
	}
	require.Greater(t, len(got)-resent, 100)
	require.Positive(t, resent)
}

// adding adds an event while others are offered, and refuses those.
type adding struct {
	consumer.Logs
	o *outbox
}

func (a adding) ConsumeLogs(context.Context, plog.Logs) error {
	a.o.add(numbered(2))
	return errors.New("busy")
}

func numbered(n ...int64) plog.LogRecordSlice {
	records := plog.NewLogRecordSlice()
	for _, i := range n {
		records.AppendEmpty().Attributes().PutInt("i", i)
	}
	return records
}

// A destination that takes its time holds up nobody who only adds, and what it
// refuses stays first.
func TestRefusedEventsStayBeforeThoseThatCameMeanwhile(t *testing.T) {
	o := newOutbox("x")
	o.add(numbered(1))
	_, _, err := o.send(t.Context(), adding{o: o})
	require.Error(t, err)
	sink := new(consumertest.LogsSink)
	sent, dropped, err := o.send(t.Context(), sink)
	require.NoError(t, err)
	assert.Equal(t, []int{2, 0}, []int{sent, dropped})
	got := sink.AllLogs()[0].ResourceLogs().At(0).ScopeLogs().At(0).LogRecords()
	for i, want := range []int64{1, 2} {
		v, _ := got.At(i).Attributes().Get("i")
		assert.Equal(t, want, v.Int())
	}
}

func TestEventRulesThatFlapAreHeld(t *testing.T) {
	r := newRig(t, `
evaluation_interval: 10s
resend_interval: 0s
emit: [triggered, resolved, flapping]
events:
  - name: Open
    condition: log.attributes["to"] == "open"
    resolve: log.attributes["to"] == "closed"
    group_by: [breaker]
    flapping: {transitions: 2, window: 1m}
`)
	for range 4 {
		r.log(r.clock.now(), "a", "open")
		r.step(10 * time.Second)
		r.log(r.clock.now(), "a", "closed")
		r.step(10 * time.Second)
	}
	assert.Equal(t, []string{
		"triggered Open firing 12:00:00Z", "resolved Open resolved 12:00:00Z 12:00:10Z", "triggered Open firing 12:00:20Z", "flapping Open firing 12:00:20Z",
	}, told(r.all()))
	for range 4 {
		r.step(10 * time.Second)
	}
	assert.Empty(t, r.all())
	r.step(10 * time.Second)
	assert.Equal(t, []string{"resolved Open resolved 12:00:20Z 12:02:10Z"}, told(r.all()), "a minute after it last changed")
}

// What led to an alert is one click away.
func TestEventRulesTellTheTraceOfTheirRecord(t *testing.T) {
	r := newRig(t, breaker)
	ld := breakerLog(t0, "a", "open")
	ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).SetTraceID([16]byte{1})
	ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).SetSpanID([8]byte{2})
	require.NoError(t, r.ll.ConsumeLogs(t.Context(), ld))
	got := r.records()
	require.Len(t, got, 1)
	assert.Equal(t, []any{[16]byte{1}, [8]byte{2}}, []any{[16]byte(got[0].TraceID()), [8]byte(got[0].SpanID())})
}
