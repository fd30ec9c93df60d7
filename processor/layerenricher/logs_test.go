package layerenricher

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/metric/metricdata/metricdatatest"

	"github.com/foundation-os/otelcol-foundation/processor/layerenricher/internal/metadatatest"
)

// Looking again for a trace that a later record of the batch makes known counts
// nothing: one item was looked up.
func TestLookingTwiceCountsOnce(t *testing.T) {
	tel := componenttest.NewTelemetry()
	defer func() { require.NoError(t, tel.Shutdown(t.Context())) }()
	f := NewFactory()
	p, err := f.CreateLogs(t.Context(), metadatatest.NewSettings(tel), f.CreateDefaultConfig(), consumertest.NewNop())
	require.NoError(t, err)
	ld := plog.NewLogs()
	records := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	for _, trace := range []byte{1, 2, 1, 0} { // before its bearer, of an unknown trace, the bearer, of none
		rec := records.AppendEmpty()
		rec.SetTraceID(pcommon.TraceID{trace})
	}
	records.At(2).Attributes().PutStr("request_id", "r")
	require.NoError(t, p.ConsumeLogs(t.Context(), ld))
	require.NoError(t, p.Shutdown(t.Context()))
	value := func(n int64) []metricdata.DataPoint[int64] { return []metricdata.DataPoint[int64]{{Value: n}} }
	metadatatest.AssertEqualLayerEnricherCacheMisses(t, tel, value(3), metricdatatest.IgnoreTimestamp())
	_, err = tel.GetMetric("otelcol_layer_enricher_cache_hits")
	assert.Error(t, err, "each is counted as it was when it came")
}
