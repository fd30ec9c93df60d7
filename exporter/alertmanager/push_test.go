package alertmanager

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
)

// Whatever else comes along the pipeline is passed over, and counted.
func TestOtherRecordsArePassedOver(t *testing.T) {
	s := newServer(t)
	r := newRig(t, testConfig(s))
	plain := func(lr plog.LogRecord) { lr.SetEventName("foundation_os.performance.degradation") }
	unnamed := func(lr plog.LogRecord) { lr.Attributes().PutStr("alert.state", "firing") }
	require.NoError(t, r.send(batch(plain, unnamed)))
	assert.Empty(t, s.all())
	require.NoError(t, r.send(batch(plain, firing("a"), alert("p", "pending"), resolved("b"))))
	assert.Equal(t, []string{"a", "b"}, names(s.taken()))
	assert.Equal(t, int64(3), r.counted("dropped_records", "not_an_alert"))
	assert.Equal(t, int64(1), r.counted("dropped_records", "other_state"))
	assert.Equal(t, int64(1), r.counted("alerts", "firing"))
	assert.Equal(t, int64(1), r.counted("alerts", "resolved"))
	assert.Equal(t, int64(4), r.counted("dropped_records"))
}

// What comes again because it was not taken is counted when it is.
func TestWhatIsRefusedIsNotCountedYet(t *testing.T) {
	s := newServer(t)
	s.status(503, 200)
	r := newRig(t, testConfig(s))
	records := func() plog.Logs { return batch(firing("a"), func(plog.LogRecord) {}) }
	require.Error(t, r.send(records()))
	assert.Zero(t, r.counted("dropped_records"))
	assert.Zero(t, r.counted("alerts"))
	require.NoError(t, r.send(records()))
	assert.Equal(t, int64(1), r.counted("dropped_records", "not_an_alert"))
	assert.Equal(t, int64(1), r.counted("alerts", "firing"))
}

func TestWhatCannotBeSentIsCounted(t *testing.T) {
	s := newServer(t)
	r := newRig(t, testConfig(s))
	require.NoError(t, r.send(batch(
		firing("a"),
		func(lr plog.LogRecord) { // neither rule nor label
			lr.Attributes().PutStr("alert.rule.name", "")
			lr.Attributes().PutStr("alert.state", "firing")
		},
		func(lr plog.LogRecord) { // has waited for too long
			firing("late")(lr)
			lr.SetObservedTimestamp(pcommon.NewTimestampFromTime(testNow.Add(-4 * time.Minute)))
		},
		func(lr plog.LogRecord) { // an end that waited is told all the same
			resolved("late end")(lr)
			lr.SetObservedTimestamp(pcommon.NewTimestampFromTime(testNow.Add(-time.Hour)))
		},
		func(lr plog.LogRecord) {
			firing("large")(lr)
			for i := range 100 {
				lr.Attributes().PutStr(fmt.Sprintf("alert.annotation.%d", i), strings.Repeat("x", 2000))
			}
		},
		firing("b"),
	)))
	assert.Equal(t, []string{"a", "late end", "b"}, names(s.taken()))
	for _, reason := range []string{"malformed", "expired", "too_large"} {
		assert.Equal(t, int64(1), r.counted("dropped_records", reason), reason)
	}
}

func TestAnswers(t *testing.T) {
	for status, want := range map[int]string{
		200: "sent", 202: "sent", 204: "sent",
		400: "given up", 401: "given up", 403: "given up", 404: "given up", 405: "given up", 413: "given up", 422: "given up", 301: "given up", 307: "given up",
		408: "later", 429: "later", 500: "later", 502: "later", 503: "later",
	} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			s := newServer(t)
			s.respond(func(w http.ResponseWriter, _ request) int {
				w.Header().Set("Location", s.URL+"/elsewhere")
				return status
			})
			r := newRig(t, testConfig(s))
			err := r.send(batch(firing("a")))
			switch want {
			case "sent":
				require.NoError(t, err)
				assert.Equal(t, int64(1), r.counted("alerts"))
			case "given up":
				require.True(t, consumererror.IsPermanent(err), "%v", err)
				assert.Equal(t, int64(1), r.counted("dropped_records", "rejected"))
			case "later":
				require.Error(t, err)
				require.False(t, consumererror.IsPermanent(err))
				assert.Zero(t, r.counted("dropped_records"))
			}
			assert.Equal(t, int64(1), r.counted("requests", fmt.Sprint(status)))
			for _, q := range s.all() {
				assert.Equal(t, alertsPath, q.path, "a redirect is not followed")
			}
		})
	}
}

func TestRetryAfter(t *testing.T) {
	s := newServer(t)
	s.respond(func(w http.ResponseWriter, _ request) int {
		w.Header().Set("Retry-After", "30")
		return http.StatusTooManyRequests
	})
	r := newRig(t, testConfig(s))
	require.ErrorContains(t, r.push(t.Context(), batch(firing("a"))), "Throttle (30s)")
	r.cfg.RetryConfig.MaxElapsedTime = time.Minute
	require.ErrorContains(t, r.push(t.Context(), batch(firing("a"))), "Throttle (15s)")
}

func many(n int) (records []func(plog.LogRecord)) {
	for i := range n {
		records = append(records, firing(fmt.Sprintf("a%d", i)))
	}
	return records
}

// What was taken is not sent again.
func TestOnlyTheRestIsRetried(t *testing.T) {
	s := newServer(t)
	s.status(200, 503, 200)
	cfg := testConfig(s)
	cfg.MaxAlerts = 2
	r := newRig(t, cfg)
	records := append(many(5), func(lr plog.LogRecord) {
		lr.Attributes().PutStr("alert.rule.name", "")
		lr.Attributes().PutStr("alert.state", "firing")
	})
	err := r.send(batch(records...))
	var left consumererror.Logs
	require.ErrorAs(t, err, &left)
	assert.Equal(t, 3, left.Data().LogRecordCount())
	require.NoError(t, r.send(left.Data()))
	assert.Equal(t, []string{"a0", "a1", "a2", "a3", "a4"}, names(s.taken()))
	assert.Equal(t, int64(5), r.counted("alerts", "firing"))
	assert.Equal(t, int64(1), r.counted("dropped_records", "malformed"))
}

// One bad alert, as Alertmanager sees it, does not take the others with it.
func TestTheBadAlertIsFound(t *testing.T) {
	for _, status := range []int{400, 413, 422} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			s := newServer(t)
			s.respond(func(_ http.ResponseWriter, r request) int {
				if strings.Contains(string(r.body), "bad") {
					return status
				}
				return 200
			})
			r := newRig(t, testConfig(s))
			records := many(255)
			records = append(records[:100], append([]func(plog.LogRecord){firing("bad")}, records[100:]...)...)
			require.NoError(t, r.send(batch(records...)))
			assert.Len(t, s.taken(), 255)
			assert.LessOrEqual(t, len(s.all()), 1+2*8)
			assert.Equal(t, int64(1), r.counted("dropped_records", "rejected"))
			assert.Equal(t, int64(255), r.counted("alerts"))
		})
	}
}

// An Alertmanager that refuses everything does not get a request for every alert.
func TestRefusalOfEverythingIsBounded(t *testing.T) {
	s := newServer(t)
	s.status(400)
	r := newRig(t, testConfig(s))
	err := r.send(batch(many(1000)...))
	require.True(t, consumererror.IsPermanent(err))
	assert.Equal(t, int64(1000), r.counted("dropped_records", "rejected"))
	assert.LessOrEqual(t, len(s.all()), 4+2*maxHalvings)
}

func TestBatchesAreCapped(t *testing.T) {
	s := newServer(t)
	r := newRig(t, testConfig(s))
	records := many(300)
	for i := range 100 {
		records = append(records, func(lr plog.LogRecord) {
			firing(fmt.Sprintf("large%d", i))(lr)
			for k := range 12 {
				lr.Attributes().PutStr(fmt.Sprintf("alert.annotation.%d", k), strings.Repeat("é", 5000))
			}
		})
	}
	require.NoError(t, r.send(batch(records...)))
	assert.Len(t, s.taken(), 400)
	for _, q := range s.all() {
		assert.LessOrEqual(t, len(q.alerts), 256)
		assert.LessOrEqual(t, len(q.body), 1<<20)
	}
	assert.Greater(t, len(s.all()), 4)
}
