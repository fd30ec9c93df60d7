package gate

const (
	// Alpha is the chance of a false alarm an evaluation that Required allows,
	// for evaluations that do not depend on each other. At one a minute it is
	// 0.0014 a day, at one every 10 s 0.009: below the goal of 0.01 a series
	// and day.
	Alpha = 1e-6
	// MaxM bounds what is asked. No positive series is above twice its mean
	// more than half of the time (Markov's inequality), and 24 of 25 at one half
	// have a chance of 1.5e-6.
	MaxM = 24
	// MaxSlack bounds how many of the n may be good.
	MaxSlack = 7
	// MaxN is the most evaluations to remember: a bit set of 32.
	MaxN = MaxM + MaxSlack
)

// Required is the m and n of "m of the last n evaluations are suspect", for a
// series whose healthy evaluations are suspect with the given chance. It is the
// configured m of n where its chance is at most Alpha; else both grow by the
// same number, so that as many good ones are forgiven as before, until it is,
// or until m is MaxM. m and n below 1, and n below m, count as 1 and m. An m beyond
// MaxM is returned as it is; of the good ones that are forgiven, MaxSlack at most
// when more must be asked than what is configured.
func Required(chance float64, m, n int) (needM, needN int) {
	m = max(m, 1)
	n = max(n, m)
	if m >= MaxM || atLeast(m, n, chance) <= Alpha {
		return m, n
	}
	slack := min(n-m, MaxSlack)
	for needM = m; needM < MaxM; needM++ {
		if atLeast(needM, needM+slack, chance) <= Alpha {
			break
		}
	}
	return needM, needM + slack
}

// atLeast is the chance of m or more hits among n with the chance p each: the
// tail of the binomial distribution.
func atLeast(m, n int, p float64) float64 {
	if !(p > 0) {
		return 0
	}
	if p >= 1 {
		return 1
	}
	sum := 0.0
	for k := m; k <= n; k++ {
		term := 1.0
		for i := range n - k {
			term *= float64(n-i) / float64(i+1) * (1 - p)
		}
		for range k {
			term *= p
		}
		sum += term
	}
	return sum
}
