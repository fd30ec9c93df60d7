package baseline

import "math"

// DivideTo makes to what m would be had all values been divided by f > 0, in
// memory of its own, which it reuses; but bounds, which are m's divided by f (see
// Divided), are kept as they are. Exponential buckets move by whole buckets: what
// is left of the division is less than half a bucket's width.
func (m *Measurement) DivideTo(to *Measurement, f float64, bounds []float64) {
	m.CopyTo(to)
	to.Current, to.Sum, to.Min, to.Max = m.Current/f, m.Sum/f, m.Min/f, m.Max/f
	to.Bounds = bounds
	if m.Expo != nil {
		by := int32(math.Round(math.Ldexp(math.Log2(f), int(m.Expo.Scale))))
		to.Expo.PositiveOffset -= by
		to.Expo.NegativeOffset -= by
	}
}

// Divided returns new bounds.
func Divided(bounds []float64, f float64) []float64 {
	if len(bounds) == 0 {
		return nil
	}
	divided := make([]float64, len(bounds))
	for i, b := range bounds {
		divided[i] = b / f
	}
	return divided
}
