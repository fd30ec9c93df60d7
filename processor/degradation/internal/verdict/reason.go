package verdict

// Reason names the arms that found a measurement worse.
type Reason uint8

const (
	// None: no arm did.
	None Reason = 0
	// Mean: beyond the multiple of the baseline's mean.
	Mean Reason = 1 << 0
	// P95: beyond the multiple of the baseline's 95th percentile; 5th with Below.
	P95 Reason = 1 << 1
	// LowConfidence: that percentile lies in a bucket wider than what it is
	// compared by.
	LowConfidence Reason = 1 << 2
	// Below: worse is less.
	Below Reason = 1 << 3
	// Robust: too many deviations from the baseline's median.
	Robust Reason = 1 << 4
	// Drift: small deviations that add up.
	Drift Reason = 1 << 5
	// Rebaselined is no arm: what was worse for long is normal now.
	Rebaselined Reason = 1 << 6
)

// String is the value of degradation.reason. Where the rule's own arms fired it
// names only these: they are the plainest explanation, and fewer values are
// fewer series.
func (r Reason) String() string {
	if r&Rebaselined != 0 {
		return "rebaselined"
	}
	percentile, prefix := "p95", ""
	if r&Below != 0 {
		percentile, prefix = "p5", "below_"
	}
	switch {
	case r&(Mean|P95) == Mean|P95:
		return prefix + "mean_and_" + percentile
	case r&Mean != 0:
		return prefix + "mean"
	case r&(P95|LowConfidence) == P95|LowConfidence:
		return prefix + percentile + "_low_confidence"
	case r&P95 != 0:
		return prefix + percentile
	case r&(Robust|Drift) == Robust|Drift:
		return prefix + "robust_and_drift"
	case r&Robust != 0:
		return prefix + "robust"
	case r&Drift != 0:
		return prefix + "drift"
	}
	return ""
}
