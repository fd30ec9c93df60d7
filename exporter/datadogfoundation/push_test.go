package datadogfoundation

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/exporter/exporterhelper"
	"go.opentelemetry.io/collector/exporter/exportertest"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/foundation-os/otelcol-foundation/exporter/datadogfoundation/internal/metadata"
)

func manySeries(n int) batch {
	b := newBatch()
	for i := range n {
		b.delta("c", testNow, 1, "i", fmt.Sprint(i))
	}
	return b
}

func hasTag(r request, tag string) bool {
	for _, s := range r.series {
		for _, t := range s.Tags {
			if t == tag {
				return true
			}
		}
	}
	return false
}

func TestBadSeriesIsFoundAndDropped(t *testing.T) {
	r := newRig(t)
	r.in.respond(func(_ http.ResponseWriter, q request) int {
		if hasTag(q, "i:37") || hasTag(q, "i:600") {
			return http.StatusBadRequest
		}
		return 0
	})
	r.send(manySeries(1000).md)
	assert.InDelta(t, 998, r.in.sums()["foundationos.c"], 0)
	assert.Equal(t, int64(2), r.counted("dropped_points", "rejected"))
	assert.Less(t, len(r.in.all()), 60)
}

func TestAnIntakeThatRefusesEverythingIsNotFlooded(t *testing.T) {
	r := newRig(t)
	r.in.respond(func(http.ResponseWriter, request) int { return http.StatusBadRequest })
	r.send(manySeries(5000).md)
	assert.Equal(t, int64(5000), r.counted("dropped_points", "rejected"))
	assert.LessOrEqual(t, len(r.in.all()), maxBisect+2)
}

func TestTooLargeIsHalved(t *testing.T) {
	r := newRig(t)
	r.in.respond(func(_ http.ResponseWriter, q request) int {
		if len(q.series) > 10 || hasTag(q, "i:5") {
			return http.StatusRequestEntityTooLarge
		}
		return 0
	})
	r.send(manySeries(100).md)
	assert.InDelta(t, 99, r.in.sums()["foundationos.c"], 0)
	assert.Equal(t, int64(1), r.counted("dropped_points", "too_large"))
}

func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		code  int
		retry bool
	}{
		{http.StatusUnauthorized, false},
		{http.StatusForbidden, false},
		{http.StatusNotFound, false},
		{http.StatusFound, false},
		{http.StatusRequestTimeout, true},
		{http.StatusTooManyRequests, true},
		{http.StatusInternalServerError, true},
		{http.StatusServiceUnavailable, true},
	} {
		t.Run(fmt.Sprint(c.code), func(t *testing.T) {
			r := newRig(t)
			r.in.respond(func(w http.ResponseWriter, _ request) int {
				w.Header().Set("Location", "/elsewhere")
				return c.code
			})
			err := r.push(context.Background(), manySeries(3).md)
			require.Error(t, err)
			assert.Equal(t, !c.retry, consumererror.IsPermanent(err))
			var left consumererror.Metrics
			if c.retry {
				require.ErrorAs(t, err, &left)
				assert.Equal(t, 3, left.Data().DataPointCount())
				assert.Zero(t, r.counted("dropped_points"))
			} else {
				assert.Equal(t, int64(3), r.counted("dropped_points"))
			}
			assert.Len(t, r.in.all(), 1)
		})
	}
}

// Some of a batch is delivered, then the intake fails: only the rest comes back.
func TestPartialFailureReturnsTheRest(t *testing.T) {
	r := newRig(t, func(c *Config) { c.MaxPayload.Points = 10 })
	b := manySeries(25)
	b.delta("old", testNow.Add(-2*time.Hour), 1)
	b.histogram("h", testNow, testNow, pmetric.AggregationTemporalityDelta, []float64{1}, []uint64{4, 0}, 1)
	r.in.respond(func(_ http.ResponseWriter, q request) int {
		if hasTag(q, "i:15") {
			return http.StatusBadGateway
		}
		return 0
	})
	err := r.push(context.Background(), b.md)
	var left consumererror.Metrics
	require.ErrorAs(t, err, &left)
	assert.Equal(t, 16, left.Data().DataPointCount()) // 15 counts and the histogram, not the old one
	assert.Equal(t, 27, b.md.DataPointCount(), "the batch itself is left as it was")
	r.in.respond(nil)
	require.NoError(t, r.push(context.Background(), left.Data()))
	assert.InDelta(t, 25, r.in.sums()["foundationos.c"]+r.in.sums()["c"], 0)
	assert.InDelta(t, 4, r.in.sums()["h"], 0)
	assert.Equal(t, int64(1), r.counted("out_of_window_points"))
}

// Every kind of trouble, through queue and retry: what is delivered is what was produced.
func TestSumsSurviveTrouble(t *testing.T) {
	r := newRig(t, func(c *Config) {
		q := exporterhelper.NewDefaultQueueConfig()
		q.NumConsumers = 4
		c.QueueConfig = configoptional.Some(q)
		c.RetryConfig.Enabled = true
		c.RetryConfig.InitialInterval = time.Millisecond
		c.RetryConfig.MaxInterval = 2 * time.Millisecond
		c.RetryConfig.MaxElapsedTime = 0
		c.MaxPayload.Points = 20
	})
	var n atomic.Int64
	r.in.respond(func(w http.ResponseWriter, q request) int {
		switch i := n.Add(1); {
		case i%7 == 0:
			return http.StatusServiceUnavailable
		case i%5 == 0:
			w.Header().Set("Retry-After", "0")
			return http.StatusTooManyRequests
		case i%11 == 0:
			panic(http.ErrAbortHandler) // the connection is reset
		case len(q.series) > 15:
			return http.StatusRequestEntityTooLarge
		}
		return 0
	})
	start := testNow.Add(time.Second)
	want, cumulWant, histWant := 0, 0, 0
	for i := range 20 {
		b := manySeries(30 + i)
		want += 30 + i
		at := testNow.Add(time.Duration(i+2) * time.Second)
		value := int64((i%5)*10 + 10) // resets at every fifth
		b.counter("cumulative", start, at, value)
		b.histogram("h", start, at, cumul, []float64{1, 2}, []uint64{uint64(value), 0, uint64(value)}, 3)
		cumulWant += 10
		histWant += 20
		require.NoError(t, r.ConsumeMetrics(context.Background(), b.md))
	}
	require.Eventually(t, func() bool {
		s := r.in.sums()
		return s["foundationos.c"] >= float64(want) && s["foundationos.h"] >= float64(histWant) && s["foundationos.cumulative"] >= float64(cumulWant)
	}, 20*time.Second, 5*time.Millisecond)
	sums := r.in.sums()
	assert.InDelta(t, want, sums["foundationos.c"], 0)
	assert.InDelta(t, cumulWant, sums["foundationos.cumulative"], 0)
	assert.InDelta(t, histWant, sums["foundationos.h"], 0)
	assert.Zero(t, r.counted("dropped_points"))
}

func TestRetryAfter(t *testing.T) {
	r := newRig(t)
	r.in.respond(func(w http.ResponseWriter, _ request) int {
		w.Header().Set("Retry-After", "30")
		return http.StatusTooManyRequests
	})
	err := r.push(context.Background(), manySeries(1).md)
	require.ErrorContains(t, err, "Throttle (30s)")
	// Longer than the retries last would mean giving the batch up at once.
	assert.Equal(t, 75*time.Second, patience(r.cfg, time.Hour))
	var left consumererror.Metrics
	require.ErrorAs(t, err, &left)
}

type statusHost struct {
	component.Host
	events []componentstatus.Status
}

func (h *statusHost) Report(e *componentstatus.Event) { h.events = append(h.events, e.Status()) }
func (*statusHost) GetExtensions() map[component.ID]component.Component {
	return nil
}

func TestKeyFileIsReadAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	write := func(key string) { require.NoError(t, os.WriteFile(path, []byte(key+"\n"), 0o600)) }
	write("old")
	host := &statusHost{}
	r := newRigOn(t, host, exportertest.NewNopSettings(metadata.Type), func(c *Config) {
		c.API.Key, c.API.KeyFile = "", path
	})
	r.in.respond(func(_ http.ResponseWriter, q request) int {
		if q.key != "new" {
			return http.StatusForbidden
		}
		return 0
	})
	require.Error(t, r.consume(manySeries(1).md))
	assert.Equal(t, []componentstatus.Status{componentstatus.StatusRecoverableError}, host.events)
	write("new")
	r.send(manySeries(1).md)
	assert.Equal(t, []componentstatus.Status{componentstatus.StatusRecoverableError, componentstatus.StatusOK}, host.events)
	assert.Len(t, r.in.accepted(), 1)
}

func TestFailOnInvalidKey(t *testing.T) {
	for code, fails := range map[int]bool{200: false, 403: true, 500: false} {
		in := newIntake(t)
		in.respond(func(http.ResponseWriter, request) int { return code })
		cfg := testConfig(in)
		cfg.API.FailOnInvalidKey = true
		e, err := newMetricsExporter(context.Background(), exportertest.NewNopSettings(metadata.Type), cfg)
		require.NoError(t, err)
		err = e.Start(context.Background(), &statusHost{})
		assert.Equal(t, fails, err != nil, code)
		assert.Equal(t, "/api/v1/validate", in.all()[0].path)
		require.NoError(t, e.Shutdown(context.Background()))
	}
}

// The key stays out of errors, logs and dumps, even when the other side echoes it.
func TestKeyIsNeverShown(t *testing.T) {
	core, logs := observer.New(zap.DebugLevel)
	set := exportertest.NewNopSettings(metadata.Type)
	set.Logger = zap.New(core)
	var said []string
	var last *rig
	for _, code := range []int{400, 401, 403, 404, 413, 429, 500, 302} {
		r := newRigOn(t, &statusHost{}, set, func(c *Config) {
			c.RetryConfig.Enabled = true
			c.RetryConfig.MaxElapsedTime = time.Nanosecond
		})
		last = r
		r.in.respond(func(w http.ResponseWriter, q request) int {
			w.WriteHeader(code)
			_, _ = fmt.Fprintf(w, "bad key %s, you sent DD-API-KEY: %s", testKey, q.key)
			return code
		})
		if err := r.consume(manySeries(2).md); err != nil {
			said = append(said, err.Error(), fmt.Sprintf("%+v", errors.Unwrap(err)))
		}
		r.in.CloseClientConnections()
		r.in.Close()
		if err := r.consume(manySeries(1).md); err != nil {
			said = append(said, err.Error())
		}
	}
	for _, l := range logs.All() {
		said = append(said, l.Message, fmt.Sprintf("%+v", l.ContextMap()))
	}
	said = append(said, fmt.Sprintf("%+v %#v %s", last.cfg, last.cfg.API, last.cfg.API.Key), fmt.Sprintf("%+v", last.client.cfg))
	text, err := last.cfg.API.Key.MarshalText()
	require.NoError(t, err)
	said = append(said, string(text))
	require.Greater(t, len(said), 15)
	for _, s := range said {
		assert.NotContains(t, s, testKey)
	}
	assert.Contains(t, strings.Join(said, "\n"), "bad key [key]")
	assert.Equal(t, configopaque.String(testKey), last.cfg.API.Key)
}

func TestHugeAndGarbageReplies(t *testing.T) {
	r := newRig(t)
	r.in.respond(func(w http.ResponseWriter, _ request) int {
		w.WriteHeader(http.StatusInternalServerError)
		for range 64 {
			_, _ = w.Write([]byte(strings.Repeat("\x00\xff\n", 1<<14)))
		}
		return http.StatusInternalServerError
	})
	err := r.consume(manySeries(1).md)
	require.Error(t, err)
	assert.Less(t, len(err.Error()), 2000)
	r.in.respond(func(w http.ResponseWriter, _ request) int {
		w.WriteHeader(http.StatusOK)
		_, _ = w.Write([]byte(`{"errors":["one","two"]}`))
		return http.StatusOK
	})
	r.send(manySeries(1).md)
	assert.Equal(t, int64(2), r.counted("intake_errors"))
	assert.Equal(t, int64(1), r.counted("payloads", "500"))
	assert.Equal(t, int64(1), r.counted("payloads", "200"))
}
