package intake

import (
	"errors"
	"runtime"
	"time"
)

// ErrFirst is returned by a reading that has no earlier one to compare with.
var ErrFirst = errors.New("the first reading has no interval")

// CPU reads the share of the processor time this process may use that it does
// use: its own time over the cgroup's quota, or over the host's cores where
// there is no quota or a greater one. The host's load average says neither how
// much of it is ours nor how much we are allowed.
type CPU struct {
	used  func() (time.Duration, error)
	cores float64
	quota *limits

	lastUsed time.Duration
	last     time.Time
}

// NewCPU makes a reader for this process.
func NewCPU() *CPU {
	return newCPU("/", processTime, runtime.NumCPU())
}

func newCPU(root string, used func() (time.Duration, error), cores int) *CPU {
	return &CPU{used: used, cores: float64(cores), quota: newLimits(root, "cpu", cpuLimits)}
}

// Read returns the share since the reading before: 0 is idle, 1 is all of it;
// a quota with burst allows more than 1.
func (c *CPU) Read(now time.Time) (float64, error) {
	used, err := c.used()
	if err != nil {
		return 0, err
	}
	capacity, err := c.capacity()
	if err != nil {
		return 0, err
	}
	first := c.last.IsZero()
	elapsed, spent := now.Sub(c.last), used-c.lastUsed
	if !first && elapsed <= 0 {
		return 0, ErrFirst
	}
	c.last, c.lastUsed = now, used
	if first {
		return 0, ErrFirst
	}
	return max(0, spent.Seconds()/(elapsed.Seconds()*capacity)), nil
}

func (c *CPU) capacity() (float64, error) {
	quota, err := c.quota.least()
	if err != nil || quota == 0 {
		return c.cores, err
	}
	return min(c.cores, quota), nil
}
