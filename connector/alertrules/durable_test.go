package alertrules

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

const keptRules = `
evaluation_interval: 30s
storage: file_storage
rules:
  - {name: High, metric: m, aggregate: last, window: 1m, group_by: [i], op: gt, threshold: 5, for: 1m}
events:
  - name: Open
    condition: log.attributes["to"] == "open"
    resolve: log.attributes["to"] == "closed"
    group_by: [breaker]
    expire_after: 10m
`

// ends are the two ways in which a connector stops.
var ends = map[string]func(r *rig){
	"stopped": func(r *rig) { r.stop() },
	"killed":  func(r *rig) { r.kill() },
}

// told lists the events with their episodes.
func (r *rig) told() []string {
	var all []string
	for _, lr := range r.records() {
		raw := lr.Attributes().AsRaw()
		all = append(all, fmt.Sprint(lr.EventName()[len("foundation_os.alert."):], " ", raw["alert.rule.name"], " ", raw["alert.episode.id"]))
	}
	return all
}

func mustParse(t *testing.T, text string) *Config {
	t.Helper()
	cfg, err := parse(t, text)
	require.NoError(t, err)
	return cfg
}

func TestAlertsOutliveTheProcess(t *testing.T) {
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			w := onDisk(newDisk())
			cfg := mustParse(t, keptRules)
			r := w.start(t, cfg)
			feed := func(v float64) {
				r.send(gauge(r.clock.now(), "m", point{v: v, attrs: map[string]any{"i": "a"}}))
				r.step(30 * time.Second)
			}
			again := func() {
				end(r)
				w.restart()
				r = w.start(t, cfg)
			}
			feed(9)
			require.NoError(t, r.ll.ConsumeLogs(t.Context(), breakerLog(r.clock.now(), "b", "open")))
			open := r.told()
			require.Len(t, open, 1)
			again() // High is pending
			feed(9)
			feed(9)
			high := r.told()
			require.Len(t, high, 1, "it was pending before the restart, and its time counts")
			assert.Contains(t, high[0], "triggered High")
			again()
			assert.Equal(t, int64(2), r.counter("otelcol_alert_rules_restored_alerts", "", ""))
			feed(1)
			require.NoError(t, r.ll.ConsumeLogs(t.Context(), breakerLog(r.clock.now(), "b", "open")))
			assert.Empty(t, r.told(), "nothing is triggered twice, and nothing resolved: the window of a minute is not full yet")
			feed(1)
			assert.Equal(t, []string{"resolved" + high[0][len("triggered"):]}, r.told())
			require.NoError(t, r.ll.ConsumeLogs(t.Context(), breakerLog(r.clock.now(), "b", "closed")))
			assert.Equal(t, []string{"resolved" + open[0][len("triggered"):]}, r.told())
			again()
			for range 30 {
				r.step(30 * time.Second)
			}
			assert.Empty(t, r.told(), "what has ended is over")
		})
	}
}

func TestEventsThatWereNotTakenAreToldAfterTheRestart(t *testing.T) {
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			w := onDisk(newDisk())
			w.next = &refusing{err: errors.New("busy"), times: 1000}
			cfg := mustParse(t, keptRules)
			r := w.start(t, cfg)
			require.NoError(t, r.ll.ConsumeLogs(t.Context(), breakerLog(t0, "a", "open")))
			require.NoError(t, r.ll.ConsumeLogs(t.Context(), breakerLog(t0, "a", "closed")))
			require.NoError(t, r.ll.ConsumeLogs(t.Context(), breakerLog(t0, "b", "open")))
			end(r)
			w.restart()
			w.next = nil
			r = w.start(t, cfg)
			r.step(30 * time.Second)
			got := r.told()
			require.Len(t, got, 3, "in their order")
			assert.Equal(t, got[0][len("triggered"):], got[1][len("resolved"):])
			end(r)
			w.restart()
			r = w.start(t, cfg)
			r.step(30 * time.Second)
			assert.Empty(t, r.told(), "once they are taken they are forgotten")
		})
	}
}

// Killed between writing and handing on: the event is told, under the same ids.
// Killed before the writing: nothing has happened.
func TestAnEventIsWrittenBeforeItIsHandedOn(t *testing.T) {
	d := newDisk()
	w := onDisk(d)
	before := -1
	w.next = watching{w.logs, func() { before = len(d.copy()) }}
	r := w.start(t, mustParse(t, keptRules))
	empty := len(d.copy())
	require.NoError(t, r.ll.ConsumeLogs(t.Context(), breakerLog(t0, "a", "open")))
	require.Len(t, r.told(), 1)
	assert.Equal(t, empty+1, before, "its letter lay there")
	assert.Len(t, d.copy(), empty, "and lies there no longer")
}

func TestEndsAreToldAgainAfterARestart(t *testing.T) {
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			w := onDisk(newDisk())
			cfg := mustParse(t, keptRules+"resend_interval: 1m\n")
			r := w.start(t, cfg)
			require.NoError(t, r.ll.ConsumeLogs(t.Context(), breakerLog(t0, "a", "open")))
			require.NoError(t, r.ll.ConsumeLogs(t.Context(), breakerLog(t0.Add(time.Second), "a", "closed")))
			r.step(30 * time.Second)
			r.all()
			end(r)
			w.restart()
			r = w.start(t, cfg)
			r.step(30 * time.Second)
			assert.Equal(t, []string{"active Open resolved 12:00:00Z 12:00:01Z"}, told(r.all()))
			require.NoError(t, r.ll.ConsumeLogs(t.Context(), breakerLog(r.clock.now(), "a", "open")))
			r.all()
			r.step(time.Minute)
			assert.Equal(t, []string{"active Open firing 12:01:00Z"}, told(r.all()), "a new episode ends that")
		})
	}
}

// A begin is kept with its own event, the ends that are told again only with the
// next evaluation: between the two an old end must not survive the new begin.
func TestAnOldEndIsNotToldOfWhatFiresAgain(t *testing.T) {
	w := onDisk(newDisk())
	cfg := mustParse(t, keptRules+"resend_interval: 1m\n")
	r := w.start(t, cfg)
	r.log(t0, "a", "open")
	r.log(t0.Add(time.Second), "a", "closed")
	r.step(30 * time.Second)
	r.log(r.clock.now(), "a", "open")
	r.all()
	r.kill()
	w.restart()
	r = w.start(t, cfg)
	r.step(time.Minute)
	assert.Equal(t, []string{"active Open firing 12:00:30Z"}, told(r.all()))
}

func TestDegradationsOutliveTheProcess(t *testing.T) {
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			w := onDisk(newDisk())
			cfg := mustParse(t, "evaluation_interval: 30s\nstorage: file_storage\n")
			r := w.start(t, cfg)
			state := func(v float64) pmetric.Metrics {
				return gauge(r.clock.now(), "degradation.state", point{v: v, attrs: map[string]any{"degradation.metric.name": "m", "operation": "x"}})
			}
			r.send(state(1))
			r.step(30 * time.Second)
			require.Len(t, r.records(), 1)
			end(r)
			w.clock.add(time.Hour)
			w.restart()
			r = w.start(t, cfg)
			r.send(state(1))
			r.step(30 * time.Second)
			assert.Empty(t, r.records(), "it goes on")
			r.send(state(0))
			r.step(30 * time.Second)
			got := r.records()
			require.Len(t, got, 1)
			assert.Equal(t, "foundation_os.performance.degradation.recovered", got[0].EventName())
			list := got[0].Attributes().AsRaw()["degradations"].([]any)
			assert.Equal(t, map[string]any{"metric": "m", "attributes": map[string]any{"service.name": "shop", "operation": "x", "degradation.metric.name": "m"}}, withName(list[0]))
		})
	}
}

func withName(item any) map[string]any {
	m := item.(map[string]any)
	m["attributes"].(map[string]any)["degradation.metric.name"] = "m"
	return m
}

// A breaker that nobody could hear of while the collector was down was not
// silent.
func TestTimeInWhichNobodyListenedIsNoSilence(t *testing.T) {
	w := onDisk(newDisk())
	cfg := mustParse(t, keptRules)
	r := w.start(t, cfg)
	require.NoError(t, r.ll.ConsumeLogs(t.Context(), breakerLog(t0, "a", "open")))
	r.step(8 * time.Minute)
	r.kill()
	w.clock.add(time.Hour)
	w.restart()
	r = w.start(t, cfg)
	r.records()
	r.step(time.Minute)
	assert.Empty(t, r.told())
	r.step(time.Minute)
	require.Len(t, r.told(), 1, "ten minutes in which somebody listened")
}

func TestARuleThatIsGoneEndsItsAlerts(t *testing.T) {
	d := newDisk()
	w := onDisk(d)
	r := w.start(t, mustParse(t, keptRules))
	require.NoError(t, r.ll.ConsumeLogs(t.Context(), breakerLog(t0, "a", "open")))
	for range 3 {
		r.send(gauge(r.clock.now(), "m", point{v: 9, attrs: map[string]any{"i": "a"}}))
		r.step(30 * time.Second)
	}
	require.Len(t, r.told(), 2)
	r.stop()
	w.restart()
	r = w.start(t, mustParse(t, "storage: file_storage"))
	r.step(30 * time.Second)
	got := r.short()
	assert.ElementsMatch(t, []string{"foundation_os.alert.resolved High 9 rule_removed", "foundation_os.alert.resolved Open rule_removed"}, got)
	assert.Contains(t, r.points("ALERTS"), "map[alertname:High alertstate:firing i:a severity:warning] gone")
	r.stop()
	assert.Len(t, d.copy(), 3, "the head, the degradations and the ends: %v", d.copy())
}

func TestStorageThatIsNotThereIsAnErrorOfTheStart(t *testing.T) {
	for name, c := range map[string]struct {
		host component.Host
		want string
	}{
		"none":    {componenttest.NewNopHost(), "storage: there is no extension file_storage; no storage extension is listed in service::extensions; add one, such as file_storage"},
		"another": {hostWith{component.MustNewIDWithName("file_storage", "x"): newDisk()}, "storage: there is no extension file_storage; use one of file_storage/x"},
		"no storage": {
			hostWith{diskID: &metricsInstance{}, component.MustNewIDWithName("file_storage", "x"): newDisk()},
			"storage: the extension file_storage stores nothing; use one of file_storage/x",
		},
	} {
		t.Run(name, func(t *testing.T) {
			e := &engine{cfg: mustParse(t, keptRules)}
			assert.EqualError(t, e.openStorage(t.Context(), c.host), c.want)
		})
	}
}

// A full disk keeps no alert back, and once there is room everything is written.
func TestAStorageThatFails(t *testing.T) {
	for name, breakIt := range map[string]func(d *disk){
		"with an error": func(d *disk) { d.fail(errFull) },
		"with a panic":  func(d *disk) { d.panics = true },
	} {
		t.Run(name, func(t *testing.T) {
			d := newDisk()
			w := onDisk(d)
			cfg := mustParse(t, keptRules)
			r := w.start(t, cfg)
			breakIt(d)
			require.NoError(t, r.ll.ConsumeLogs(t.Context(), breakerLog(t0, "a", "open")))
			first := r.told()
			require.Len(t, first, 1)
			assert.Positive(t, r.counter("otelcol_alert_rules_save_errors", "", ""))
			d.fail(nil)
			d.panics = false
			r.step(30 * time.Second)
			r.kill()
			w.restart()
			r = w.start(t, cfg)
			require.NoError(t, r.ll.ConsumeLogs(t.Context(), breakerLog(r.clock.now(), "a", "closed")))
			assert.Equal(t, []string{"resolved" + first[0][len("triggered"):]}, r.told())
		})
	}
	t.Run("from the start on", func(t *testing.T) {
		d := newDisk()
		d.err = errFull
		w := onDisk(d)
		cfg := mustParse(t, keptRules)
		r := w.start(t, cfg)
		require.NoError(t, r.ll.ConsumeLogs(t.Context(), breakerLog(t0, "a", "open")))
		require.Len(t, r.told(), 1)
		d.fail(nil)
		r.step(30 * time.Second)
		r.kill()
		w.restart()
		r = w.start(t, cfg)
		require.NoError(t, r.ll.ConsumeLogs(t.Context(), breakerLog(r.clock.now(), "a", "closed")))
		require.Len(t, r.told(), 1)
	})
}

// Whatever lies in the storage, the collector starts, says what it leaves out and
// counts it, and alerts as if it began.
func TestWhatIsStoredIsNeverTrusted(t *testing.T) {
	d := newDisk()
	w := onDisk(d)
	cfg := mustParse(t, keptRules)
	w.next = &refusing{err: errors.New("busy"), times: 1000}
	r := w.start(t, cfg)
	require.NoError(t, r.ll.ConsumeLogs(t.Context(), breakerLog(t0, "a", "open")))
	for range 3 {
		r.send(gauge(r.clock.now(), "m", point{v: 9, attrs: map[string]any{"i": "a"}}))
		r.send(gauge(r.clock.now(), "degradation.state", point{v: 1, attrs: map[string]any{"degradation.metric.name": "m"}}))
		r.step(30 * time.Second)
	}
	r.kill()
	w.next = nil
	good := d.copy()
	require.Len(t, good, 8, "head, group, events, degradations, ends and three letters")
	at := w.clock.now()
	run := func(t *testing.T, key string, value []byte) *rig {
		d := newDisk()
		d.data = good
		d.data = d.copy()
		d.data[key] = value
		w := onDisk(d)
		w.clock.t = at
		r := w.start(t, cfg)
		require.NoError(t, r.ll.ConsumeLogs(t.Context(), breakerLog(t0, "z", "open")))
		assert.NotEmpty(t, r.told())
		return r
	}
	for key, b := range good {
		t.Run(key, func(t *testing.T) {
			for name, broken := range map[string]struct {
				b      []byte
				reason string
			}{
				"cut":     {b[:len(b)-1], "corrupt"},
				"empty":   {[]byte{}, "corrupt"},
				"changed": {append(b[:len(b)-1:len(b)-1], b[len(b)-1]^1), "corrupt"},
				"older":   {append([]byte{b[0], b[1], b[2], b[3], b[4] + 1}, b[5:]...), "version"},
			} {
				r := run(t, key, broken.b)
				assert.Equal(t, int64(1), r.counter("otelcol_alert_rules_discarded_records", "reason", broken.reason), name)
			}
		})
	}
	r = run(t, "head", good[keyDegradations])
	assert.Equal(t, int64(1), r.counter("otelcol_alert_rules_discarded_records", "reason", "place"), "one record cannot stand for another")
}

// Whoever changes the state at the same time: what is kept is the state as it was
// told, whole.
func TestChangesOfManyAreKeptWhole(t *testing.T) {
	w := onDisk(newDisk())
	cfg := mustParse(t, keptRules)
	r := w.start(t, cfg)
	var wg sync.WaitGroup
	const senders, each = 8, 101 // an odd number: each breaker is open in the end
	for s := range senders {
		wg.Go(func() {
			for i := range each {
				at := t0.Add(time.Duration(i) * time.Millisecond)
				assert.NoError(t, r.ll.ConsumeLogs(t.Context(), breakerLog(at, fmt.Sprint(s), []string{"open", "closed"}[i%2])))
			}
		})
	}
	wg.Go(func() {
		for i := range 20 {
			r.send(gauge(r.clock.now(), "m", point{v: float64(9 * (i / 4 % 2)), attrs: map[string]any{"i": "a"}}))
			r.step(time.Second)
		}
	})
	wg.Wait()
	open := map[string]bool{}
	for _, event := range r.told() {
		if what, episode, _ := strings.Cut(event, " "); what == "triggered" {
			open[episode] = true
		} else {
			assert.True(t, open[episode], "%s ends after it began", episode)
			delete(open, episode)
		}
	}
	require.Len(t, open, senders)
	r.kill()
	w.restart()
	r = w.start(t, cfg)
	for s := range senders {
		require.NoError(t, r.ll.ConsumeLogs(t.Context(), breakerLog(r.clock.now(), fmt.Sprint(s), "closed")))
	}
	for _, event := range r.told() {
		what, episode, _ := strings.Cut(event, " ")
		assert.Equal(t, "resolved", what)
		assert.True(t, open[episode], episode)
		delete(open, episode)
	}
	assert.Empty(t, open)
}

func TestLettersOfABrokenStorageAreNotTakenForOthers(t *testing.T) {
	o := newOutbox("x")
	o.restore([]letter{{number: 7, records: numbered(1), stored: true}}, 9)
	o.add(numbered(2))
	letters, gone, first, next := o.unwritten()
	assert.Len(t, letters, 1)
	assert.Empty(t, gone)
	assert.Equal(t, []uint64{7, 10}, []uint64{first, next})
	sent, _, err := o.send(t.Context(), new(consumertest.LogsSink))
	require.NoError(t, err)
	assert.Equal(t, 2, sent)
	_, gone, first, _ = o.unwritten()
	assert.Equal(t, []uint64{7, 9}, gone)
	assert.Equal(t, uint64(10), first)
	o.written(nil, gone)
	assert.False(t, o.anyGone())
}

// watching looks at the world before it takes logs.
type watching struct {
	consumer.Logs
	before func()
}

func (w watching) ConsumeLogs(ctx context.Context, ld plog.Logs) error {
	w.before()
	return w.Logs.ConsumeLogs(ctx, ld)
}
