package inference

import "math"

// ToSeconds converts what a metric measured, which unlike a length of time may
// be below zero. A NaN stays as it is bit by bit: Prometheus marks the end of a
// series with one of many.
func (u Unit) ToSeconds(value float64) float64 {
	if math.IsNaN(value) {
		return value
	}
	return value / float64(u)
}

// BucketShift is by how many buckets the values of an exponential histogram move
// down when they become seconds. Bucket i of scale s holds the values from
// 2^(i/2^s) to 2^((i+1)/2^s), so that dividing them moves the index by
// log2(unit)·2^s, of which only whole numbers can be had: the nearest is at most
// half a bucket wrong. It is false for scales so fine that no index of 32 bits
// can move so far.
func (u Unit) BucketShift(scale int32) (int32, bool) {
	shift := math.Round(math.Ldexp(math.Log2(float64(u)), int(scale)))
	if math.Abs(shift) > math.MaxInt32 {
		return 0, false
	}
	return int32(shift), true
}
