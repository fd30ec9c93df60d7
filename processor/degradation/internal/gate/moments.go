package gate

import "math"

// Side is where a threshold is crossed.
type Side int8

const (
	// Above: suspect is what is larger.
	Above Side = 1
	// Below: suspect is what is smaller.
	Below Side = -1
)

// Moments are count, sum and sum of squares of the logarithms of values: what
// a log-normal tail needs. Latencies, sizes and rates are nearer to log-normal
// than to normal. The zero value is empty. Values that are not positive have no
// logarithm and are counted only.
type Moments struct {
	N    uint64  // all values
	LogN uint64  // those with a logarithm
	Sum  float64 // of the logarithms
	Sum2 float64 // of their squares
}

// Add counts a value.
func (m *Moments) Add(v float64) {
	m.N++
	if v > 0 && !math.IsInf(v, 0) {
		l := math.Log(v)
		m.LogN++
		m.Sum += l
		m.Sum2 += l * l
	}
}

// Merge adds all that o counted.
func (m *Moments) Merge(o *Moments) {
	m.N += o.N
	m.LogN += o.LogN
	m.Sum += o.Sum
	m.Sum2 += o.Sum2
}

// MeanLog and its deviation (of a sample: divided by n-1); ok is false for less
// than two values.
func (m *Moments) MeanLog() (mean, deviation float64, ok bool) {
	if m.LogN < 2 {
		return 0, 0, false
	}
	n := float64(m.LogN)
	mean = m.Sum / n
	variance := (m.Sum2 - n*mean*mean) / (n - 1)
	// What rounding leaves of equal values is no deviation.
	if variance < 1e-12*(1+mean*mean) {
		variance = 0
	}
	return mean, math.Sqrt(variance), true
}

// minN is how many evaluations a past must have to tell anything: where three lie
// close together by chance, the next one is far from all of them.
const minN = 4

// Chance is the probability, 0 to 1, that a healthy evaluation lies beyond the
// threshold. It is the larger of two estimates, since each is blind to what the
// other sees: the share of the past that did (exceeded of N; blind where a
// window is too short to have seen it), and the tail of the log-normal with the
// past's moments (blind to two-humped series). The tail is that of the next
// value, not of the fitted curve: Student's t with n-1 degrees of freedom and
// the deviation widened by 1+1/n, so that few values claim little. Of fewer than
// minN it is 1.
func (m *Moments) Chance(threshold float64, exceeded uint64, side Side) float64 {
	if m.N < minN {
		return 1
	}
	counted := min(1, float64(exceeded)/float64(m.N))
	mean, deviation, ok := m.MeanLog()
	if !ok || !(threshold > 0) || math.IsInf(threshold, 0) || deviation == 0 {
		return counted
	}
	n := float64(m.LogN)
	z := float64(side) * (math.Log(threshold) - mean) / (deviation * math.Sqrt(1+1/n))
	return max(counted, studentTail(z, n-1)*n/float64(m.N))
}

// studentTail is the probability of Student's t above z, by the normal
// approximation of Abramowitz and Stegun 26.7.8: within 0.001 of the
// true one from 11 degrees of freedom on, and on the side of caution.
func studentTail(z, degrees float64) float64 {
	x := z * (1 - 1/(4*degrees)) / math.Sqrt(1+z*z/(2*degrees))
	return math.Erfc(x/math.Sqrt2) / 2
}
