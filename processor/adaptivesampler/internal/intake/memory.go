package intake

import (
	"math"
	"runtime/metrics"
)

// liveHeap is what the last collection found to be in use. The other measures
// there are contain what is not needed: what is in use now has garbage in it,
// up to as much again, and up to all of the limit where GOGC is off and
// GOMEMLIMIT decides; what the process has from the system also has what the
// runtime keeps for later; the cgroup's usage also has the cache of the files
// that are written. Only live data cannot be got rid of, except by keeping less.
const liveHeap = "/gc/heap/live:bytes"

// goMemLimit is GOMEMLIMIT, or what debug.SetMemoryLimit made of it;
// math.MaxInt64 is none.
const goMemLimit = "/gc/gomemlimit:bytes"

// Memory reads the part of the memory this process may use that its live heap
// fills. It may use the least of GOMEMLIMIT, the limits of its control groups
// and what the host has.
type Memory struct {
	heap   func() (live, limit uint64)
	root   string
	cgroup *limits
}

// NewMemory makes a reader for this process.
func NewMemory() *Memory {
	samples := []metrics.Sample{{Name: liveHeap}, {Name: goMemLimit}}
	return newMemory("/", func() (live, limit uint64) {
		metrics.Read(samples)
		return samples[0].Value.Uint64(), samples[1].Value.Uint64()
	})
}

func newMemory(root string, heap func() (live, limit uint64)) *Memory {
	return &Memory{heap: heap, root: root, cgroup: newLimits(root, "memory", memoryLimits)}
}

// Read returns the ratio: 0 is empty, 1 is full.
func (m *Memory) Read() (float64, error) {
	live, own := m.heap()
	limit := math.Inf(1)
	if own < math.MaxInt64 {
		limit = float64(own)
	}
	group, err := m.cgroup.least()
	if err != nil {
		return 0, err
	}
	if group > 0 {
		limit = min(limit, group)
	}
	host, err := hostMemory(m.root)
	if err == nil {
		limit = min(limit, host)
	} else if math.IsInf(limit, 1) {
		return 0, err
	}
	return float64(live) / limit, nil
}
