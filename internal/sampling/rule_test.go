package sampling

import (
	"encoding/csv"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	otelsampling "github.com/open-telemetry/opentelemetry-collector-contrib/pkg/sampling"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func documentRule() *Rule {
	return &Rule{
		Rates: map[string]float64{
			"foundation.process_registry.lookup":   0.1,
			"foundation_jido.signal.dispatch":      0.2,
			"foundation_jido.agent.registration":   0.5,
			"dspex.program.execution":              0.8,
			"foundation_jido.coordination.auction": 1,
			"dspex.optimization.iteration":         1,
			"foundation_os.error.occurred":         1,
		},
		DefaultRate:    1,
		ErrorBoost:     2,
		CriticalFactor: 1.5,
		CriticalContains: []string{
			"dspex.coordination.multi_agent", "foundation_jido.coordination", "foundation_os.request",
		},
	}
}

// Every combination of base rate, error, load and critical path, with the
// thresholds at full precision and at the default one.
func TestGoldenRates(t *testing.T) {
	f, err := os.Open("testdata/golden_rates.csv")
	require.NoError(t, err)
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 61, "60 rows and the header")
	rule := documentRule()
	for _, row := range rows[1:] {
		number := func(i int) float64 {
			v, err := strconv.ParseFloat(row[i], 64)
			require.NoError(t, err)
			return v
		}
		content := Plain
		if row[2] == "1" {
			content = Failed
		}
		factor := 1.0
		switch load := number(3); {
		case load > 0.8:
			factor = 0.5
		case load > 0.6:
			factor = 0.7
		}
		p := rule.Steps(number(1), row[4] == "1", content, factor).Probability
		assert.InDelta(t, number(5), p, 1e-15, "%v", row)
		exact, ok := Threshold(p, otelsampling.NumHexDigits)
		require.True(t, ok)
		want, err := otelsampling.TValueToThreshold(row[6])
		require.NoError(t, err)
		assert.Equal(t, want, exact, "%v", row)
		rounded, ok := Threshold(p, 4)
		require.True(t, ok)
		assert.Equal(t, row[7], rounded.TValue(), "%v", row)
		assert.InDelta(t, number(8), 1/p, 1e-6, "%v", row)
		// What the threshold says it stands for is the same up to its rounding.
		assert.InEpsilon(t, number(8), rounded.AdjustedCount(), 1e-3, "%v", row)
	}
}

func TestBase(t *testing.T) {
	rule := &Rule{DefaultRate: 0.25, Rates: map[string]float64{"a": 0.1, "a.b.c": 0.3, "x.y": 0.4}}
	for _, tt := range []struct {
		name, matched string
		rate          float64
	}{
		{"a", "a", 0.1},
		{"a.b.c", "a.b.c", 0.3},
		{"a.b.c.complete", "a.b.c", 0.3},
		{"a.b", "a", 0.1},
		{"a.b.cd", "a", 0.1}, // a prefix ends at a dot
		{"ab", "", 0.25},
		{"x", "", 0.25},
		{"x.y.", "x.y", 0.4},
		{"", "", 0.25},
		{".", "", 0.25},
		{".a", "", 0.25},
		{"...", "", 0.25},
		{"A", "", 0.25},
		{"a\xff", "", 0.25},
	} {
		rate, matched := rule.Base(tt.name)
		assert.Equal(t, tt.rate, rate, tt.name)
		assert.Equal(t, tt.matched, matched, tt.name)
	}
}

// Looked up prefix by prefix, this name takes longer than go test allows.
func TestBaseOfManyDots(t *testing.T) {
	rule := &Rule{DefaultRate: 0.25, Rates: map[string]float64{"a": 0.1}}
	for i := range 10 { // so many that Go's map hashes what it looks up
		rule.Rates["operation."+strconv.Itoa(i)] = 1
	}
	name := strings.Repeat("b.", 1<<23)
	rate, _ := rule.Base(name)
	assert.Equal(t, 0.25, rate)
	_, matched := rule.Base("a." + name)
	assert.Equal(t, "a", matched)
}

func TestRateSteps(t *testing.T) {
	rule := documentRule()
	assert.Equal(t,
		Rate{Matched: "foundation_jido.agent.registration", Base: 0.5, Boosted: 1, Loaded: 0.5, Critical: 0.5, Probability: 0.5},
		rule.Rate("foundation_jido.agent.registration.start", Failed, 0.5))
	rate := rule.Rate("foundation_jido.coordination.auction.bid_received", Failed, 0.7)
	assert.Greater(t, rate.Critical, 1.0)
	assert.Equal(t, 1.0, rate.Probability, "clamped last")
	assert.True(t, rule.Critical("my.foundation_os.request.plan"), "contains, not begins with")
	assert.False(t, rule.Critical("foundation_os.error.occurred"))
	assert.InDelta(t, 0.75, rule.Rate("foundation_os.request", Plain, 0.5).Probability, 1e-15, "unlisted names are boosted too")
}

func TestErrorFloor(t *testing.T) {
	rule := documentRule()
	assert.InDelta(t, 0.1, rule.Rate("foundation.process_registry.lookup", Failed, 0.5).Probability, 1e-15, "the document to the letter")
	rule.ErrorFloor = 1
	assert.Equal(t, 1.0, rule.Rate("foundation.process_registry.lookup", Failed, 0.5).Probability)
	assert.InDelta(t, 0.1, rule.Rate("foundation.process_registry.lookup", Retried, 0.5).Probability, 1e-15, "a retry is no error")
	assert.InDelta(t, 0.05, rule.Rate("foundation.process_registry.lookup", Plain, 0.5).Probability, 1e-15)
	rule.ErrorFloor = 0.3
	rule.Rates["zero"] = 0
	assert.Equal(t, 0.3, rule.Rate("zero", Failed, 1).Probability, "the floor holds for a rate of 0 too")
	assert.Equal(t, 0.0, rule.Rate("zero", Retried, 1).Probability)
}

func TestThreshold(t *testing.T) {
	for _, tt := range []struct {
		p         float64
		precision int
		want      string
		ok        bool
	}{
		{1, 4, "0", true},
		{0.5, 4, "8", true},
		{0.1, 4, "e666", true},
		{0.1, 14, "e6666666666666", true},
		{0.1, 1, "e", true},
		{0.05, 4, "f3333", true}, // a leading f is no precision
		{1 - 1.0/32, 4, "08", true},
		{0x1p-56, 4, "ffffffffffffff", true},
		{0x1p-57, 4, "", false},
		{0, 4, "", false},
		{-1, 4, "", false},
		{math.NaN(), 4, "", false},
		{1.5, 4, "", false},
	} {
		th, ok := Threshold(tt.p, tt.precision)
		assert.Equal(t, tt.ok, ok, "%v", tt.p)
		assert.Equal(t, tt.want, th.TValue(), "%v", tt.p)
	}
}
