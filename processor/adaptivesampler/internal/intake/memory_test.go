package intake

import (
	"math"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const v1MemoryMounts = "32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpuacct,cpu\n" +
	"35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"

// host is one with 8000 KiB.
const host = "MemFree: 7 kB\nMemTotal:        8000 kB\nMemAvailable: 8 kB\n"

func TestMemoryRead(t *testing.T) {
	const kib, none = 1024, math.MaxInt64
	for _, tt := range []struct {
		name    string
		files   map[string]string
		goLimit uint64
		want    float64 // 0: an error
	}{
		{"the host's memory", map[string]string{"proc/meminfo": host}, none, 1.0 / 8},
		{"GOMEMLIMIT", map[string]string{"proc/meminfo": host}, 2000 * kib, 1.0 / 2},
		{"a GOMEMLIMIT of more than the host has", map[string]string{"proc/meminfo": host}, 16000 * kib, 1.0 / 8},
		{"GOMEMLIMIT where nothing else can be read", nil, 2000 * kib, 1.0 / 2},
		{"no limit at all", nil, none, 0},
		{"meminfo in another form", map[string]string{"proc/meminfo": "MemTotal: 8000 pages\n"}, none, 0},
		{"v2 limit", map[string]string{
			"proc/meminfo": host, "proc/self/cgroup": "0::/pod/app\n", "proc/self/mountinfo": v2Mounts,
			"sys/fs/cgroup/pod/app/memory.max": "4096000\n",
		}, none, 1.0 / 4},
		{"v2 limit below GOMEMLIMIT", map[string]string{
			"proc/meminfo": host, "proc/self/cgroup": "0::/pod/app\n", "proc/self/mountinfo": v2Mounts,
			"sys/fs/cgroup/pod/app/memory.max": "4096000\n",
		}, 5000 * kib, 1.0 / 4},
		{"GOMEMLIMIT below the v2 limit", map[string]string{
			"proc/meminfo": host, "proc/self/cgroup": "0::/pod/app\n", "proc/self/mountinfo": v2Mounts,
			"sys/fs/cgroup/pod/app/memory.max": "4096000\n",
		}, 2000 * kib, 1.0 / 2},
		{"v2, throttled before it is killed", map[string]string{
			"proc/meminfo": host, "proc/self/cgroup": "0::/pod/app\n", "proc/self/mountinfo": v2Mounts,
			"sys/fs/cgroup/pod/app/memory.max": "4096000\n", "sys/fs/cgroup/pod/app/memory.high": "2048000\n",
		}, none, 1.0 / 2},
		{"v2 without a limit", map[string]string{
			"proc/meminfo": host, "proc/self/cgroup": "0::/pod/app\n", "proc/self/mountinfo": v2Mounts,
			"sys/fs/cgroup/pod/app/memory.max": "max\n", "sys/fs/cgroup/pod/app/memory.high": "max\n",
		}, none, 1.0 / 8},
		{"v2, the group above is narrower", map[string]string{
			"proc/meminfo": host, "proc/self/cgroup": "0::/pod/app\n", "proc/self/mountinfo": v2Mounts,
			"sys/fs/cgroup/pod/app/memory.max": "4096000\n", "sys/fs/cgroup/pod/memory.max": "1024000\n",
		}, none, 1},
		{"v1 limit", map[string]string{
			"proc/meminfo": host, "proc/self/cgroup": "4:memory:/docker/x\n1:cpu:/\n", "proc/self/mountinfo": v1MemoryMounts,
			"sys/fs/cgroup/memory/docker/x/memory.limit_in_bytes": "4096000\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes":          "9223372036854771712\n",
		}, none, 1.0 / 4},
		{"v1 without a limit is a limit of all there could be", map[string]string{
			"proc/meminfo": host, "proc/self/cgroup": "4:memory:/docker/x\n", "proc/self/mountinfo": v1MemoryMounts,
			"sys/fs/cgroup/memory/docker/x/memory.limit_in_bytes": "9223372036854771712\n",
		}, none, 1.0 / 8},
		{"garbage", map[string]string{
			"proc/meminfo": host, "proc/self/cgroup": "0::/\n", "proc/self/mountinfo": v2Mounts,
			"sys/fs/cgroup/memory.max": "lots\n",
		}, none, 0},
		{"a limit of nothing", map[string]string{
			"proc/meminfo": host, "proc/self/cgroup": "0::/\n", "proc/self/mountinfo": v2Mounts,
			"sys/fs/cgroup/memory.max": "0\n",
		}, none, 0},
		{"an empty file", map[string]string{
			"proc/meminfo": host, "proc/self/cgroup": "0::/\n", "proc/self/mountinfo": v2Mounts,
			"sys/fs/cgroup/memory.max": "",
		}, none, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := newMemory(tree(t, tt.files), func() (uint64, uint64) { return 1000 * kib, tt.goLimit })
			got, err := m.Read()
			if tt.want == 0 {
				require.Error(t, err)
				return
			}
			require.NoError(t, err)
			assert.InDelta(t, tt.want, got, 1e-12)
		})
	}
}

func TestMemoryFollowsResize(t *testing.T) {
	root := tree(t, map[string]string{
		"proc/meminfo": host, "proc/self/cgroup": "0::/\n", "proc/self/mountinfo": v2Mounts,
		"sys/fs/cgroup/memory.max": "2048000\n",
	})
	live := uint64(1024000)
	m := newMemory(root, func() (uint64, uint64) { return live, math.MaxInt64 })
	expect := func(want float64) {
		t.Helper()
		got, err := m.Read()
		require.NoError(t, err)
		assert.InDelta(t, want, got, 1e-12)
	}
	expect(1.0 / 2)
	require.NoError(t, os.WriteFile(filepath.Join(root, "sys/fs/cgroup/memory.max"), []byte("4096000\n"), 0o600))
	expect(1.0 / 4)
	live *= 2
	expect(1.0 / 2)
}

// The real signal, of this very process: what is held and nothing else.
func TestMemoryOfThisProcess(t *testing.T) {
	m := NewMemory()
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // collected when this test says so
	runtime.GC()
	before, limit := m.heap()
	assert.NotZero(t, limit)
	held := make([]byte, 64<<20)
	garbage, _ := m.heap()
	assert.InDelta(t, float64(before), float64(garbage), 4<<20, "what may be garbage is not")
	runtime.GC()
	with, _ := m.heap()
	assert.InDelta(t, 64<<20, float64(with)-float64(before), 4<<20, "what is held is live")
	if ratio, err := m.Read(); runtime.GOOS == "linux" {
		require.NoError(t, err)
		assert.Positive(t, ratio)
		assert.Less(t, ratio, 1.0)
	}
	runtime.KeepAlive(held)
	runtime.GC()
	after, _ := m.heap()
	assert.InDelta(t, float64(before), float64(after), 4<<20, "what was let go is not")
}
