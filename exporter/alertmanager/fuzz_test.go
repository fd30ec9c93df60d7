package alertmanager

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/go-openapi/strfmt"
	"github.com/prometheus/alertmanager/api/v2/models"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/golden"

	"github.com/foundation-os/otelcol-foundation/exporter/alertmanager/internal/message"
)

// Any OTLP that decodes: no panic, every record is sent or has a reason, what is
// sent is legal to Alertmanager, and a good alert beside it is still there.
func FuzzRecords(f *testing.F) {
	inputs, err := filepath.Glob("testdata/*/input*.yaml")
	require.NoError(f, err)
	require.NotEmpty(f, inputs)
	add := func(ld plog.Logs) {
		raw, err := (&plog.ProtoMarshaler{}).MarshalLogs(ld)
		require.NoError(f, err)
		f.Add(raw, false)
		f.Add(raw, true)
	}
	for _, in := range inputs {
		ld, err := golden.ReadLogs(in)
		require.NoError(f, err)
		add(ld)
	}
	add(batch(hostile))
	f.Fuzz(func(t *testing.T, raw []byte, asTheyAre bool) {
		ld, err := (&plog.ProtoUnmarshaler{}).UnmarshalLogs(raw)
		if err != nil {
			return
		}
		format := message.Format{Resend: time.Minute}
		if asTheyAre {
			format.Naming = message.UTF8
		}
		batch(firing("good neighbour")).ResourceLogs().MoveAndAppendTo(ld.ResourceLogs())
		keep(ld, func(lr plog.LogRecord) bool { return verdict(lr) == "" })
		d := delivery{e: &alertsExporter{format: format}}
		d.encode(ld, testNow)
		given := int64(0)
		for _, n := range d.tally.dropped {
			given += n
		}
		require.EqualValues(t, ld.LogRecordCount(), given+int64(len(d.alerts)))

		var alerts models.PostableAlerts
		body := message.Body(d.alerts)
		require.NoError(t, json.Unmarshal(body, &alerts), "%s", body)
		require.True(t, utf8.Valid(body))
		require.NoError(t, alerts.Validate(strfmt.Default))
		scheme := model.LegacyValidation
		if asTheyAre {
			scheme = model.UTF8Validation
		}
		for _, a := range alerts {
			for _, set := range []models.LabelSet{a.Labels, a.Annotations} {
				for name, value := range set {
					require.True(t, scheme.IsValidLabelName(name), "%q", name)
					require.NotEmpty(t, value)
				}
			}
			require.NotEmpty(t, a.Labels)
			require.False(t, time.Time(a.StartsAt).IsZero())
			require.False(t, time.Time(a.EndsAt).Before(time.Time(a.StartsAt)))
		}
		require.True(t, slices.Contains(names(alerts), "good neighbour"))
	})
}

// hostile is an alert event that nobody should write.
func hostile(lr plog.LogRecord) {
	a := lr.Attributes()
	a.PutStr("alert.rule.name", "\xff\x00\n")
	a.PutStr("alert.state", "firing")
	a.PutStr("alert.starts_at", "0000-01-01T00:00:00Z")
	a.PutStr("alert.ends_at", "yesterday")
	a.PutStr("alert.label.", "no name")
	a.PutStr("alert.label.\xff", "\xff")
	a.PutStr("alert.label.__name__", "x")
	a.PutStr("alert.label.../../etc", "x")
	a.PutEmptyMap("alert.label.map").PutStr("a", "b")
	a.PutEmptySlice("alert.annotation.list").AppendEmpty().SetInt(1)
	a.PutEmpty("alert.annotation.nothing")
	a.PutEmptyBytes("alert.value").FromRaw([]byte{0, 255})
	lr.SetObservedTimestamp(1<<64 - 1)
	lr.SetTimestamp(1)
}

func TestHostileRecord(t *testing.T) {
	s := newServer(t)
	require.NoError(t, newRig(t, testConfig(s)).send(batch(hostile, firing("a"))))
	require.Len(t, s.taken(), 2)
	require.Equal(t, testNow, time.Time(s.taken()[0].StartsAt).UTC())
}
