package sampling

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"

	otelsampling "github.com/open-telemetry/opentelemetry-collector-contrib/pkg/sampling"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func threshold(t *testing.T, tvalue string) otelsampling.Threshold {
	t.Helper()
	th, err := otelsampling.TValueToThreshold(tvalue)
	require.NoError(t, err)
	return th
}

func randomness(t *testing.T, rvalue string) otelsampling.Randomness {
	t.Helper()
	r, err := otelsampling.RValueToRandomness(rvalue)
	require.NoError(t, err)
	return r
}

func TestDecide(t *testing.T) {
	for _, tt := range []struct {
		name, own, in, r   string
		keep, inconsistent bool
		out                string
	}{
		{"equal is kept", "8", "", "80000000000000", true, false, "8"},
		{"one below is not", "8", "", "7fffffffffffff", false, false, "8"},
		{"always", "0", "", "00000000000000", true, false, "0"},
		{"raised", "c", "8", "d0000000000000", true, false, "c"},
		{"raised above R", "c", "8", "90000000000000", false, false, "c"},
		{"a later stage cannot lower", "8", "c", "d0000000000000", true, false, "c"},
		{"always cannot lower", "0", "c", "d0000000000000", true, false, "c"},
		{"inconsistent, kept by our own", "4", "c", "50000000000000", true, true, "4"},
		{"inconsistent, dropped by our own", "8", "c", "50000000000000", false, true, "8"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var in otelsampling.Threshold
			if tt.in != "" {
				in = threshold(t, tt.in)
			}
			v := Decide(threshold(t, tt.own), in, tt.in != "", randomness(t, tt.r))
			assert.Equal(t, Verdict{Keep: tt.keep, Threshold: threshold(t, tt.out), Inconsistent: tt.inconsistent}, v)
		})
	}
	assert.False(t, Decide(otelsampling.NeverSampleThreshold, otelsampling.Threshold{}, false, otelsampling.AllProbabilitiesRandomness).Keep)
}

func randomID(rng *rand.Rand) (id [16]byte) {
	binary.BigEndian.PutUint64(id[:8], rng.Uint64())
	binary.BigEndian.PutUint64(id[8:], rng.Uint64())
	return id
}

// A smaller probability keeps a part of what a greater one keeps, without
// exception, and each keeps its share within three standard deviations.
func TestKeptIsNestedAndUnbiased(t *testing.T) {
	const n = 1_000_000
	probabilities := []float64{0.05, 0.07, 0.1, 0.105, 0.14, 0.15, 0.2, 0.28, 0.35, 0.5, 0.525, 0.7, 0.75, 0.84, 1}
	rng := rand.New(rand.NewPCG(1, 2))
	kept := make([]int, len(probabilities))
	thresholds := make([]otelsampling.Threshold, len(probabilities))
	for i, p := range probabilities {
		th, ok := Threshold(p, 4)
		require.True(t, ok)
		thresholds[i] = th
	}
	for range n {
		r, _ := TraceIDRandomness(randomID(rng))
		before := false
		for i, th := range thresholds {
			keep := Decide(th, otelsampling.Threshold{}, false, r).Keep
			if before && !keep {
				t.Fatalf("R = %s is kept at a smaller probability, dropped at %v", r.RValue(), probabilities[i])
			}
			if keep {
				kept[i]++
			}
			before = keep
		}
	}
	for i, p := range probabilities {
		sigma := math.Sqrt(p * (1 - p) / n)
		assert.InDelta(t, p, float64(kept[i])/n, 3*sigma+1e-4*p, "p = %v", p) // the rounding of T is below 1e-4
	}
}

func TestTraceIDRandomness(t *testing.T) {
	_, ok := TraceIDRandomness([16]byte{})
	assert.False(t, ok)
	r, ok := TraceIDRandomness([16]byte{1, 2, 3, 4, 5, 6, 7, 8, 0xff, 0xa, 0xb, 0xc, 0xd, 0xe, 0xf, 0x10})
	assert.True(t, ok)
	assert.Equal(t, "0a0b0c0d0e0f10", r.RValue(), "the ninth byte is not part of it")
	r, ok = TraceIDRandomness([16]byte{0: 1})
	assert.True(t, ok, "an id without a single random bit is still an id")
	assert.Equal(t, uint64(0), r.Unsigned())
}

func TestHashRandomness(t *testing.T) {
	// Replicas and releases must agree: XXH64 without a seed is part of the
	// contract, and these are its published values.
	assert.Equal(t, "46db3751d8e999", HashRandomness("").RValue())
	assert.Equal(t, "4ec4f1a98c6e5b", HashRandomness("a").RValue())
	half, ok := Threshold(0.5, 4)
	require.True(t, ok)
	kept, n := 0, 100_000
	id := []byte("req-00000000")
	for i := range n {
		binary.BigEndian.PutUint32(id[8:], uint32(i))
		if half.ShouldSample(HashRandomness(string(id))) {
			kept++
		}
	}
	assert.InDelta(t, 0.5, float64(kept)/float64(n), 3*math.Sqrt(0.25/float64(n)))
}
