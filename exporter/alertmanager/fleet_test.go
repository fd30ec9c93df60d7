package alertmanager

import (
	"context"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/exporter/exporterhelper"
)

const soon = 20 * time.Second // until when what must happen has happened

// One Alertmanager of two that takes an alert is enough, whatever the other says.
func TestOneIsEnough(t *testing.T) {
	for _, status := range []int{200, 400, 401, 404, 429, 500, 503} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			first, second := newServer(t), newServer(t)
			first.status(status)
			r := newRig(t, testConfig(first, second))
			require.NoError(t, r.send(batch(firing("a"), resolved("b"))))
			assert.Equal(t, []string{"a", "b"}, names(second.taken()))
			assert.Len(t, first.all(), 1, "each gets everything, once")
			assert.Equal(t, int64(2), r.counted("alerts"))
			assert.Zero(t, r.counted("dropped_records"))
			assert.Equal(t, int64(1), r.counted("requests", first.Listener.Addr().String(), fmt.Sprint(status)))
		})
	}
	t.Run("gone", func(t *testing.T) {
		first, second := newServer(t), newServer(t)
		r := newRig(t, testConfig(first, second))
		first.Close()
		require.NoError(t, r.send(batch(firing("a"))))
		assert.Len(t, second.taken(), 1)
		assert.Equal(t, int64(1), r.counted("requests", "network"))
	})
}

// While none takes it, it waits if one of them may do so later.
func TestNoneTakesIt(t *testing.T) {
	for _, c := range []struct {
		first, second int
		permanent     bool
	}{{503, 503, false}, {400, 503, false}, {429, 404, false}, {400, 404, true}, {401, 403, true}} {
		t.Run(fmt.Sprint(c.first, c.second), func(t *testing.T) {
			first, second := newServer(t), newServer(t)
			first.status(c.first)
			second.status(c.second)
			err := newRig(t, testConfig(first, second)).send(batch(firing("a")))
			require.Error(t, err)
			assert.Equal(t, c.permanent, consumererror.IsPermanent(err))
		})
	}
}

// The longest pause that one of them asks for is kept.
func TestPausesOfSeveral(t *testing.T) {
	var servers []*server
	for _, pause := range []string{"10", "30", "20"} {
		s := newServer(t)
		s.respond(func(w http.ResponseWriter, _ request) int {
			w.Header().Set("Retry-After", pause)
			return http.StatusServiceUnavailable
		})
		servers = append(servers, s)
	}
	err := newRig(t, testConfig(servers...)).push(t.Context(), batch(firing("a")))
	require.ErrorContains(t, err, "Throttle (30s)")
}

// One that hangs holds up neither the other nor the shutdown, gets no second
// request while it hangs, and takes part again as soon as it answers.
func TestOneHangs(t *testing.T) {
	hanging, healthy := newServer(t), newServer(t)
	var wake atomic.Pointer[chan struct{}]
	block := make(chan struct{})
	wake.Store(&block)
	hanging.respond(func(http.ResponseWriter, request) int {
		<-*wake.Load()
		return 200
	})
	cfg := testConfig(hanging, healthy)
	cfg.ClientConfig.Timeout = time.Hour
	r := newRig(t, cfg)
	for i := range 3 {
		require.NoError(t, r.send(batch(firing(fmt.Sprint(i)))))
	}
	assert.Equal(t, []string{"0", "1", "2"}, names(healthy.taken()))
	assert.Empty(t, hanging.all())
	require.Eventually(t, func() bool { return r.counted("requests", "busy") == 2 }, soon, time.Millisecond)
	close(block)
	require.Eventually(t, func() bool { return len(hanging.all()) == 1 }, soon, time.Millisecond)
	require.Eventually(t, func() bool {
		require.NoError(t, r.send(batch(firing("again"))))
		return slices.Contains(names(hanging.taken()), "again")
	}, soon, time.Millisecond)

	block = make(chan struct{})
	wake.Store(&block)
	require.NoError(t, r.send(batch(firing("last"))))
	r.fleet.shutdown()
	close(block) // only now: the shutdown did not wait for it
}

// A caller that gives up is let go, though nobody has answered.
func TestTheCallerGivesUp(t *testing.T) {
	s := newServer(t)
	block := make(chan struct{})
	s.respond(func(http.ResponseWriter, request) int { <-block; return 200 })
	t.Cleanup(func() { close(block) })
	r := newRig(t, testConfig(s))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	require.ErrorIs(t, r.push(ctx, batch(firing("a"))), context.Canceled)
}

// Who gives up while a member is busy has not been refused by it: what was to be
// sent is sent later.
func TestTheCallerGivesUpBeforeItsTurn(t *testing.T) {
	r := newRig(t, testConfig(newServer(t)))
	m := r.fleet.members[0]
	m.turn <- struct{}{} // a request is under way
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	got := r.fleet.postTo(ctx, m, nil)
	assert.Equal(t, later, got.outcome)
	require.ErrorIs(t, got.err, context.Canceled)
	<-m.turn
}

// A reply that is too long is not read to its end.
func TestRepliesAreReadWithALimit(t *testing.T) {
	const whole = 64 << 20
	wrote := make(chan int, 1)
	long := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		chunk := make([]byte, 1<<20)
		n := 0
		for n < whole {
			if _, err := w.Write(chunk); err != nil {
				break
			}
			n += len(chunk)
		}
		wrote <- n
	}))
	t.Cleanup(long.Close)
	cfg := testConfig()
	cfg.Endpoints = []string{long.URL}
	err := newRig(t, cfg).send(batch(firing("a")))
	require.True(t, consumererror.IsPermanent(err))
	assert.Less(t, len(err.Error()), 1000)
	assert.Less(t, <-wrote, whole)
}

func TestRequest(t *testing.T) {
	s := newServer(t)
	cfg := testConfig(s)
	cfg.Endpoints = []string{s.URL + "/am/"}
	cfg.ClientConfig.Headers.Set("X-Scope-OrgID", configopaque.String("tenant"))
	r := newRig(t, cfg)
	require.NoError(t, r.send(batch(firing("a"))))
	q := s.all()[0]
	assert.Equal(t, "/am/api/v2/alerts", q.path)
	assert.Equal(t, "otelcol-foundation/test", q.header.Get("User-Agent"))
	assert.Equal(t, "tenant", q.header.Get("X-Scope-OrgID"))
	assert.Equal(t, int64(1), r.counted("requests", s.Listener.Addr().String()+"/am", "200"))
}

func TestTLS(t *testing.T) {
	s := &server{t: t}
	s.Server = httptest.NewTLSServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.Close)
	require.Error(t, newRig(t, testConfig(s)).send(batch(firing("a"))), "a certificate that nobody vouches for")
	assert.Empty(t, s.all())
	cfg := testConfig(s)
	cfg.ClientConfig.TLS.CAPem = configopaque.String(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}))
	require.NoError(t, newRig(t, cfg).send(batch(firing("a"))))
	assert.Len(t, s.taken(), 1)
}

// Through the default queue, past an outage, everything arrives once and in
// order: no alert begins after it has ended.
func TestOrderOutlivesAnOutage(t *testing.T) {
	s := newServer(t)
	s.status(503, 503, 503, 200)
	cfg := testConfig(s)
	cfg.QueueConfig = createDefaultConfig().(*Config).QueueConfig
	cfg.RetryConfig.Enabled = true
	cfg.RetryConfig.InitialInterval = time.Millisecond
	r := newRig(t, cfg)
	var want []string
	for i := range 50 {
		name := fmt.Sprint(i)
		require.NoError(t, r.send(batch(firing(name))))
		require.NoError(t, r.send(batch(resolved(name))))
		want = append(want, name, name)
	}
	require.Eventually(t, func() bool { return len(s.taken()) >= len(want) }, soon, time.Millisecond)
	assert.Equal(t, want, names(s.taken()))
	for i, a := range s.taken() {
		assert.Equal(t, i%2 == 0, time.Time(a.EndsAt).After(testNow), "alert %d", i)
	}
}

// Shutdown sends what is in the queue.
func TestShutdownEmptiesTheQueue(t *testing.T) {
	s := newServer(t)
	cfg := testConfig(s)
	cfg.QueueConfig = configoptional.Some(exporterhelper.NewDefaultQueueConfig())
	r := newRig(t, cfg)
	for i := range 100 {
		require.NoError(t, r.send(batch(firing(fmt.Sprint(i)))))
	}
	require.NoError(t, r.alertsExporter.Logs.Shutdown(context.Background()))
	assert.Len(t, s.taken(), 100)
}
