package foundationmetrics

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/exporter/prometheusexporter"
	"github.com/prometheus/otlptranslator"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/exporter/exportertest"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/foundation-os/otelcol-foundation/semconv"
)

// scrape is what a real Prometheus exporter shows of what the connector sends it, the
// lines of the named metrics only.
func scrape(t *testing.T, send func(p *pair)) []string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	endpoint := l.Addr().String()
	require.NoError(t, l.Close())

	f := prometheusexporter.NewFactory()
	cfg := f.CreateDefaultConfig().(*prometheusexporter.Config)
	cfg.ServerConfig.NetAddr.Endpoint = endpoint
	cfg.WithoutScopeInfo = true
	exp, err := f.CreateMetrics(t.Context(), exportertest.NewNopSettings(f.Type()), cfg)
	require.NoError(t, err)
	require.NoError(t, exp.Start(t.Context(), componenttest.NewNopHost()))
	t.Cleanup(func() { require.NoError(t, exp.Shutdown(context.Background())) })

	p := startTo(t, nil, exp)
	p.clock.t = time.Now() // the exporter forgets what is older than five minutes
	send(p)
	p.core.flush(t.Context())

	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get("http://" + endpoint + "/metrics")
	require.NoError(t, err)
	defer func() { require.NoError(t, resp.Body.Close()) }()
	require.Equal(t, http.StatusOK, resp.StatusCode)
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return strings.Split(string(body), "\n")
}

// The document's six names with their labels, missing values and buckets, and exact
// values from 16 senders at once.
func TestThePrometheusNamesOfTheDocument(t *testing.T) {
	const senders, each = 16, 250
	lines := scrape(t, func(p *pair) {
		var wg sync.WaitGroup
		for range senders {
			wg.Go(func() {
				for range each {
					p.spans(
						spanOf{name: "foundation.process_registry.register", length: ms, attrs: kv{"namespace": "prod", "process_type": "worker"}},
						spanOf{name: "foundation.process_registry.register", length: ms},
						spanOf{name: "foundation.process_registry.lookup", length: 4 * ms, attrs: kv{"namespace": "prod"}},
						spanOf{name: "foundation_jido.coordination.auction", length: ms, attrs: kv{"success": true}},
						spanOf{name: "dspex.optimization.iteration", length: 20 * time.Second, attrs: kv{"strategy": "mipro", "performance_score": 0.75}},
					)
				}
			})
		}
		wg.Wait()
		p.spans(
			spanOf{name: "foundation_jido.agent.registration", length: ms, attrs: kv{"agent_id": "a", "agent_type": "solver"}},
			spanOf{name: "foundation_jido.agent.registration", length: ms, attrs: kv{"agent_id": "b"}},
		)
	})
	for _, want := range []string{
		`foundation_process_registrations_total{foundation_os_layer="foundation",job="shop",namespace="prod",process_type="worker"} 4000`,
		`foundation_process_registrations_total{foundation_os_layer="foundation",job="shop",namespace="default",process_type="unknown"} 4000`,
		`foundation_process_lookup_duration_seconds_bucket{foundation_os_layer="foundation",job="shop",namespace="prod",le="0.001"} 0`,
		`foundation_process_lookup_duration_seconds_bucket{foundation_os_layer="foundation",job="shop",namespace="prod",le="0.005"} 4000`,
		`foundation_process_lookup_duration_seconds_bucket{foundation_os_layer="foundation",job="shop",namespace="prod",le="0.01"} 4000`,
		`foundation_process_lookup_duration_seconds_bucket{foundation_os_layer="foundation",job="shop",namespace="prod",le="0.05"} 4000`,
		`foundation_process_lookup_duration_seconds_bucket{foundation_os_layer="foundation",job="shop",namespace="prod",le="0.1"} 4000`,
		`foundation_process_lookup_duration_seconds_bucket{foundation_os_layer="foundation",job="shop",namespace="prod",le="0.5"} 4000`,
		`foundation_process_lookup_duration_seconds_bucket{foundation_os_layer="foundation",job="shop",namespace="prod",le="1"} 4000`,
		`foundation_process_lookup_duration_seconds_bucket{foundation_os_layer="foundation",job="shop",namespace="prod",le="+Inf"} 4000`,
		`foundation_process_lookup_duration_seconds_count{foundation_os_layer="foundation",job="shop",namespace="prod"} 4000`,
		`foundation_jido_active_agents{agent_type="solver",foundation_os_layer="foundation_jido",job="shop"} 1`,
		`foundation_jido_active_agents{agent_type="unknown",foundation_os_layer="foundation_jido",job="shop"} 1`,
		`foundation_jido_coordinations_total{coordination_type="auction",foundation_os_layer="foundation_jido",job="shop",success="true"} 4000`,
		`foundation_jido_coordinations_total{coordination_type="auction",foundation_os_layer="foundation_jido",job="shop",success="false"} 0`,
		`dspex_optimization_duration_seconds_bucket{foundation_os_layer="dspex",job="shop",program_type="unknown",strategy="mipro",le="10"} 0`,
		`dspex_optimization_duration_seconds_bucket{foundation_os_layer="dspex",job="shop",program_type="unknown",strategy="mipro",le="30"} 4000`,
		`dspex_optimization_duration_seconds_bucket{foundation_os_layer="dspex",job="shop",program_type="unknown",strategy="mipro",le="600"} 4000`,
		`dspex_optimization_duration_seconds_sum{foundation_os_layer="dspex",job="shop",program_type="unknown",strategy="mipro"} 80000`,
		`dspex_optimization_performance_score{foundation_os_layer="dspex",job="shop",program_id="unknown",strategy="mipro"} 0.75`,
	} {
		assert.Contains(t, lines, want)
	}
	buckets := func(name string) (les []string) {
		for _, line := range lines {
			if strings.HasPrefix(line, name+"_bucket{") {
				_, le, _ := strings.Cut(line, `le="`)
				le, _, _ = strings.Cut(le, `"`)
				les = append(les, le)
			}
		}
		return les
	}
	assert.Equal(t, []string{"0.001", "0.005", "0.01", "0.05", "0.1", "0.5", "1", "+Inf"}, buckets("foundation_process_lookup_duration_seconds"))
	assert.Equal(t, []string{"1", "5", "10", "30", "60", "300", "600", "+Inf"}, buckets("dspex_optimization_duration_seconds"))
	for _, line := range lines {
		if !strings.HasPrefix(line, "#") {
			assert.NotContains(t, line, "_ratio{", "a gauge has a unit")
			assert.NotContains(t, line, "otel_scope", "scope labels")
		}
	}
}

// A missing success is false: the document's exporter takes nil for false. The
// outcome of the same auction is another question, and there an ended span that
// says nothing of a failure has succeeded.
func TestACoordinationThatDoesNotSay(t *testing.T) {
	const yes, no = "foundation_jido.coordinations{coordination_type=auction,success=true}", "foundation_jido.coordinations{coordination_type=auction,success=false}"
	for name, c := range map[string]struct {
		status ptrace.StatusCode
		attrs  kv
		want   map[string]string
	}{
		"nothing":     {0, nil, map[string]string{no: "1", yes: "0", "foundation_jido.auction.completed{outcome=success}": "1"}},
		"status ok":   {ptrace.StatusCodeOk, nil, map[string]string{no: "0", yes: "1"}},
		"status":      {ptrace.StatusCodeError, nil, map[string]string{no: "1", yes: "0", "foundation_jido.auction.completed{outcome=failure}": "1"}},
		"nil":         {0, kv{"success": "nil"}, map[string]string{no: "1", yes: "0"}},
		"canonical":   {0, kv{"foundation_os.outcome": "success", "success": false}, map[string]string{no: "0", yes: "1"}},
		"bool string": {0, kv{"success": "true"}, map[string]string{no: "0", yes: "1"}},
		"error tuple": {0, kv{"result": "{:error, :no_bids}"}, map[string]string{no: "1", yes: "0"}},
		// Failed when the outcome says so or the status: the operation's counter takes the worse.
		"both": {ptrace.StatusCodeError, kv{"success": true}, map[string]string{yes: "1", "foundation_os.operations{outcome=failure}": "1", "foundation_jido.auction.completed{outcome=success}": "1"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := start(t, nil)
			p.spans(spanOf{name: "foundation_jido.coordination.auction", length: ms, status: c.status, attrs: c.attrs})
			p.expect(c.want)
		})
	}
}

// Two metrics that Prometheus would know by one name would spoil each other's series.
func TestTranslatedNamesAreDifferent(t *testing.T) {
	namer := otlptranslator.MetricNamer{WithMetricSuffixes: true}
	seen := map[string]string{}
	for _, m := range semconv.Metrics {
		kind := map[semconv.Instrument]otlptranslator.MetricType{
			semconv.InstrumentCounter: otlptranslator.MetricTypeMonotonicCounter, semconv.InstrumentGauge: otlptranslator.MetricTypeGauge,
			semconv.InstrumentHistogram: otlptranslator.MetricTypeHistogram,
		}[m.Instrument]
		name, err := namer.Build(otlptranslator.Metric{Name: m.Name, Unit: m.Unit, Type: kind})
		require.NoError(t, err)
		assert.Empty(t, seen[name], "%s and %s are both %s", seen[name], m.Name, name)
		seen[name] = m.Name
		if m.Prometheus != "" {
			assert.Equal(t, m.Prometheus, name)
		}
	}
}
