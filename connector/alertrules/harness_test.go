package alertrules

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/confmaptest"
	"go.opentelemetry.io/collector/connector"
	"go.opentelemetry.io/collector/connector/connectortest"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.yaml.in/yaml/v3"

	"github.com/foundation-os/otelcol-foundation/connector/alertrules/internal/metadata"
)

// t0 is a multiple of every interval in these tests.
var t0 = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// clock is a clock that tests set.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) add(d time.Duration) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
	return c.t
}

// rig is the connector, wired as in the shipped configuration: metrics→logs,
// metrics→metrics, logs→logs, traces→logs, all with one ID, the logs outputs into
// one sink.
type rig struct {
	t       *testing.T
	clock   *clock
	tel     *componenttest.Telemetry
	e       *engine
	ml, mm  connector.Metrics
	ll      connector.Logs
	tl      connector.Traces
	logs    *consumertest.LogsSink
	metrics *consumertest.MetricsSink
	stop    func()
}

func parse(t *testing.T, text string) (*Config, error) {
	t.Helper()
	cfg := createDefaultConfig().(*Config)
	return cfg, unmarshal(t, cfg, text)
}

func unmarshal(t *testing.T, cfg *Config, text string) error {
	t.Helper()
	var m map[string]any
	require.NoError(t, yaml.Unmarshal([]byte(text), &m))
	if err := confmap.NewFromStringMap(m).Unmarshal(cfg); err != nil {
		return err
	}
	return confmap.Validate(cfg)
}

func newRig(t *testing.T, text string) *rig {
	t.Helper()
	cfg, err := parse(t, text)
	require.NoError(t, err)
	return newRigOf(t, cfg)
}

func newRigOf(t *testing.T, cfg *Config) *rig {
	t.Helper()
	return newWorld().start(t, cfg)
}

// world is what outlives a connector: its clock, its factory (which is what a
// process has of the connector while it reloads), the extensions and the sinks.
type world struct {
	clock   *clock
	process *registry
	factory connector.Factory
	host    component.Host
	logs    *consumertest.LogsSink
	next    consumer.Logs // of the logs; nil = the sink
	metrics *consumertest.MetricsSink
}

func newWorld() *world {
	w := &world{clock: &clock{t: t0}, host: componenttest.NewNopHost(), logs: new(consumertest.LogsSink), metrics: new(consumertest.MetricsSink)}
	w.restart()
	return w
}

// restart gives the world another process.
func (w *world) restart() {
	w.process = newRegistry(w.clock.now, false)
	w.reload()
}

// reload gives the world what the collector has after a reload: another factory
// in the same process.
func (w *world) reload() { w.factory = w.process.factory() }

// parse reads a configuration as the collector does.
func (w *world) parse(t *testing.T, text string) (*Config, error) {
	t.Helper()
	cfg := w.factory.CreateDefaultConfig().(*Config)
	return cfg, unmarshal(t, cfg, text)
}

func (w *world) start(t *testing.T, cfg *Config) *rig {
	t.Helper()
	r := &rig{t: t, clock: w.clock, tel: componenttest.NewTelemetry(), logs: w.logs, metrics: w.metrics}
	set := connectortest.NewNopSettings(metadata.Type)
	set.TelemetrySettings = r.tel.NewTelemetrySettings()
	set.ID = component.NewID(metadata.Type)
	ctx := context.Background()
	next := w.next
	if next == nil {
		next = r.logs
	}
	var err error
	r.ml, err = w.factory.CreateMetricsToLogs(ctx, set, cfg, next)
	require.NoError(t, err)
	r.mm, err = w.factory.CreateMetricsToMetrics(ctx, set, cfg, r.metrics)
	require.NoError(t, err)
	r.ll, err = w.factory.CreateLogsToLogs(ctx, set, cfg, next)
	require.NoError(t, err)
	r.tl, err = w.factory.CreateTracesToLogs(ctx, set, cfg, next)
	require.NoError(t, err)
	r.e = r.ml.(*metricsInstance).e
	all := []component.Component{r.ml, r.mm, r.ll, r.tl}
	for _, c := range all {
		require.NoError(t, c.Start(ctx, w.host))
	}
	r.stop = sync.OnceFunc(func() {
		for _, c := range all {
			require.NoError(t, c.Shutdown(ctx))
		}
		require.NoError(t, r.tel.Shutdown(ctx))
	})
	t.Cleanup(func() { r.stop() })
	return r
}

// kill ends the connector as kill -9 would: nothing is written or told any more.
func (r *rig) kill() {
	r.t.Helper()
	require.NoError(r.t, r.e.store.Close())
	require.NoError(r.t, r.tel.Shutdown(context.Background()))
	r.stop = func() {}
}

// send gives both metrics instances their copy of a batch, as the collector does.
func (r *rig) send(md pmetric.Metrics) {
	r.t.Helper()
	require.NoError(r.t, r.ml.ConsumeMetrics(r.t.Context(), md))
	require.NoError(r.t, r.mm.ConsumeMetrics(r.t.Context(), md))
}

// step moves the clock and evaluates.
func (r *rig) step(d time.Duration) time.Time {
	now := r.clock.add(d)
	r.e.tick(context.Background())
	return now
}

// records takes the alert events that came out since the last call, without
// re-sends.
func (r *rig) records() []plog.LogRecord {
	return slices.DeleteFunc(r.all(), func(lr plog.LogRecord) bool { return strings.HasSuffix(lr.EventName(), ".active") })
}

// all takes all that came out since the last call.
func (r *rig) all() []plog.LogRecord {
	var all []plog.LogRecord
	for _, ld := range r.logs.AllLogs() {
		for _, rl := range ld.ResourceLogs().All() {
			for _, sl := range rl.ScopeLogs().All() {
				for _, lr := range sl.LogRecords().All() {
					all = append(all, lr)
				}
			}
		}
	}
	r.logs.Reset()
	return all
}

// short tells each event in one line, without re-sends.
func (r *rig) short() []string { return lines(r.records()) }

func lines(records []plog.LogRecord) []string {
	var all []string
	for _, lr := range records {
		s := lr.EventName()
		for _, k := range []string{"alert.rule.name", "alert.value", "alert.reason"} {
			if v, ok := lr.Attributes().Get(k); ok {
				s += " " + v.AsString()
			}
		}
		all = append(all, s)
	}
	return all
}

// point is one number for a metric's batch.
type point struct {
	v     float64
	attrs map[string]any
}

// gauge makes a batch with one gauge.
func gauge(at time.Time, name string, points ...point) pmetric.Metrics {
	md, m := batch(name)
	g := m.SetEmptyGauge()
	for _, p := range points {
		p.write(g.DataPoints().AppendEmpty(), at)
	}
	return md
}

func sum(start, at time.Time, temporality pmetric.AggregationTemporality, name string, points ...point) pmetric.Metrics {
	md, m := batch(name)
	s := m.SetEmptySum()
	s.SetIsMonotonic(true)
	s.SetAggregationTemporality(temporality)
	for _, p := range points {
		dp := s.DataPoints().AppendEmpty()
		dp.SetStartTimestamp(pcommon.NewTimestampFromTime(start))
		p.write(dp, at)
	}
	return md
}

func (p point) write(dp pmetric.NumberDataPoint, at time.Time) {
	dp.SetTimestamp(pcommon.NewTimestampFromTime(at))
	dp.SetDoubleValue(p.v)
	_ = dp.Attributes().FromRaw(p.attrs)
}

func batch(name string) (pmetric.Metrics, pmetric.Metric) {
	md := pmetric.NewMetrics()
	rm := md.ResourceMetrics().AppendEmpty()
	rm.Resource().Attributes().PutStr("service.name", "shop")
	rm.Resource().Attributes().PutStr("service.instance.id", "i1")
	m := rm.ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
	m.SetName(name)
	return md, m
}

// points are all points of a metric that came out, as text.
func (r *rig) points(name string) []string {
	var all []string
	for _, md := range r.metrics.AllMetrics() {
		for _, rm := range md.ResourceMetrics().All() {
			for _, sm := range rm.ScopeMetrics().All() {
				for _, m := range sm.Metrics().All() {
					if m.Name() != name {
						continue
					}
					dps := m.Gauge().DataPoints
					if m.Type() == pmetric.MetricTypeSum {
						dps = m.Sum().DataPoints
					}
					for _, p := range dps().All() {
						v := fmt.Sprint(p.DoubleValue())
						if p.ValueType() == pmetric.NumberDataPointValueTypeInt {
							v = fmt.Sprint(p.IntValue())
						}
						if p.Flags().NoRecordedValue() {
							v = "gone"
						}
						all = append(all, fmt.Sprint(p.Attributes().AsRaw(), " ", v))
					}
				}
			}
		}
	}
	r.metrics.Reset()
	return all
}

func ts(t time.Time) pcommon.Timestamp { return pcommon.NewTimestampFromTime(t) }

// loadFile reads a configuration of the testdata.
func loadFile(t *testing.T, path string) *Config {
	t.Helper()
	conf, err := confmaptest.LoadConf(path)
	require.NoError(t, err)
	cfg := createDefaultConfig().(*Config)
	require.NoError(t, conf.Unmarshal(cfg))
	return cfg
}

// counter sums the points of an own metric that have the attribute's value.
func (r *rig) counter(name, key, value string) int64 {
	r.t.Helper()
	m, err := r.tel.GetMetric(name)
	if err != nil {
		return 0
	}
	return sumOf(m, key, value)
}

// sumOf adds the points of a counter that have the attribute's value; without a
// key, all.
func sumOf(m metricdata.Metrics, key, value string) int64 {
	var n int64
	for _, p := range m.Data.(metricdata.Sum[int64]).DataPoints {
		if v, ok := p.Attributes.Value(attribute.Key(key)); key == "" || ok && v.AsString() == value {
			n += p.Value
		}
	}
	return n
}
