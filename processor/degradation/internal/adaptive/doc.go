// Package adaptive finds in one series what a fixed multiple of the mean is
// blind to: a rise that is small beside the threshold and large beside the
// series' own noise, and one that comes so slowly that each step is nothing.
//
// A series is watched on five time scales at once: each is a moving average, over
// 1, 3, 9, 27 and 81 evaluations. On each scale it is remembered how far the
// normal past ever went, over a span of days. An evaluation is suspect when a
// scale goes further than that past did by a margin, further from the median than
// a number of robust deviations, and further than a ratio. The first condition
// knows patterns (a nightly job, a daily wave) that no distribution describes,
// the second knows what chance would do next where the past is short, the third
// what matters to anybody.
//
// The single values make the robust arm. The averages are the drift arm: what a
// CUSUM does, small deviations that add up, as Roberts' moving averages ("Control
// Chart Tests Based on Geometric Moving Averages", 1959), which find steps of the
// same size after about the same time. A moving average, other than a sum that
// restarts at zero, has a level that can be compared with where it has been, and
// which is the same whenever it is looked at.
//
// Evaluations are compared by differences up to about the usual size and by
// ratios beyond it, so that zero and negative values are as good as any.
//
// What an alarm has told is known from then on: the same height is no news for as
// long as the memory lasts, though the rule that stands beside these arms has no
// such memory and tells again. Without it a series with a spike a day would
// alarm every day.
package adaptive
