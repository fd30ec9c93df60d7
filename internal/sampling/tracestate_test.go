package sampling

import (
	"strings"
	"testing"

	otelsampling "github.com/open-telemetry/opentelemetry-collector-contrib/pkg/sampling"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTraceStateWith(t *testing.T) {
	for _, tt := range []struct{ in, th, out string }{
		{"", "e666", "ot=th:e666"},
		{"", "0", "ot=th:0"},
		{"ot=th:8", "c", "ot=th:c"},
		{"ot=th:c", "8", "ot=th:8"}, // after an inconsistent c was erased
		{"ot=rv:ffffffffffffff", "8", "ot=rv:ffffffffffffff;th:8"},
		{"ot=th:0;rv:ffffffffffffff", "8", "ot=rv:ffffffffffffff;th:8"},
		{"ot=zz:1;th:4;yy:a.b", "8", "ot=th:8;zz:1;yy:a.b"},
		{"dd=s:1;t.dm:-4,ot=th:0,vendor=x", "8", "ot=th:8,dd=s:1;t.dm:-4,vendor=x"},
		{" dd=s:1 , vendor=x", "8", "ot=th:8,dd=s:1,vendor=x"},
	} {
		s, err := ParseTraceState(tt.in)
		require.NoError(t, err, tt.in)
		out, err := s.With(threshold(t, tt.th))
		require.NoError(t, err, tt.in)
		assert.Equal(t, tt.out, out, tt.in)
	}
}

func TestTraceStateMalformed(t *testing.T) {
	for _, raw := range []string{
		"ot=th:", "ot=th:xyz", "ot=th:123456789abcdef", "ot=rv:12", "ot=rv:zzzzzzzzzzzzzz", "ot", "ot=", "=", "ot=TH:8",
		"ot=th:8;", "\xff\xfe", "ot=th:8\x00", strings.Repeat("a", 2000), "a=1," + strings.Repeat("a=1,", 40), "ot=x:" + strings.Repeat("y", 300),
	} {
		_, err := ParseTraceState(raw)
		assert.Error(t, err, "%q", raw)
	}
}

// What we write must be readable for the next stage, or not be written.
func TestTraceStateFull(t *testing.T) {
	for _, raw := range []string{
		"ot=x:" + strings.Repeat("y", 250),
		strings.TrimSuffix(strings.Repeat("a=1,", 31), ","),
	} {
		s, err := ParseTraceState(raw)
		require.NoError(t, err)
		_, err = s.With(threshold(t, "123456789abcde"))
		assert.ErrorIs(t, err, errFull)
	}
	// The longest that skips the check still has room.
	raw := strings.Repeat("a=1,", roomy/4)
	s, err := ParseTraceState(raw)
	require.NoError(t, err)
	out, err := s.With(threshold(t, "123456789abcde"))
	require.NoError(t, err)
	_, err = ParseTraceState(out)
	assert.NoError(t, err)
}

func TestFormatTraceState(t *testing.T) {
	for _, tvalue := range []string{"0", "8", "e666", "f3333", "123456789abcde"} {
		th := threshold(t, tvalue)
		var s TraceState
		slow, err := s.With(th)
		require.NoError(t, err)
		assert.Equal(t, slow, FormatTraceState(th))
	}
}

func TestSoleThreshold(t *testing.T) {
	for _, tvalue := range []string{"0", "8", "e666", "123456789abcde"} {
		th, ok := SoleThreshold("ot=th:" + tvalue)
		assert.True(t, ok)
		assert.Equal(t, threshold(t, tvalue), th)
	}
	for _, raw := range []string{"", "ot=th:", "ot=th:8;rv:ffffffffffffff", "ot=th:8,dd=1", "ot=th:8 ", "ot=th:+8", "ot=th:123456789abcdef", "dd=1", "ot=rv:ffffffffffffff"} {
		_, ok := SoleThreshold(raw)
		assert.False(t, ok, raw)
	}
}

func FuzzTraceState(f *testing.F) {
	f.Add("ot=th:8;rv:ffffffffffffff,dd=1")
	f.Add("a=1,b=2")
	f.Add("ot=th:e666")
	f.Fuzz(func(t *testing.T, raw string) {
		s, err := ParseTraceState(raw)
		if sole, ok := SoleThreshold(raw); ok {
			require.NoError(t, err)
			slow, ok := s.Threshold()
			assert.True(t, ok)
			assert.Equal(t, slow, sole)
			assert.False(t, strings.Contains(raw, "rv"))
		}
		if err != nil {
			return
		}
		rv, hasRV := s.Randomness()
		out, err := s.With(otelsampling.AlwaysSampleThreshold)
		if err != nil {
			return
		}
		again, err := ParseTraceState(out)
		require.NoError(t, err)
		th, ok := again.Threshold()
		assert.True(t, ok)
		assert.Equal(t, otelsampling.AlwaysSampleThreshold, th)
		got, has := again.Randomness()
		assert.Equal(t, hasRV, has)
		assert.Equal(t, rv, got)
	})
}
