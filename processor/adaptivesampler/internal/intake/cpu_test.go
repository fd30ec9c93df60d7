package intake

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// tree writes files below a scratch root.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	return root
}

const v1Mounts = "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n" +
	"32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpuacct,cpu\n" +
	"33 31 0:30 / /sys/fs/cgroup/cpuacct rw,relatime - cgroup cgroup rw,cpuset\n"

const v2Mounts = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\nbroken line\n"

func TestCapacity(t *testing.T) {
	for _, tt := range []struct {
		name  string
		files map[string]string
		want  float64 // 0: an error
	}{
		{"no control groups", nil, 8},
		{"v2 limit", map[string]string{
			"proc/self/cgroup": "0::/pod/app\n", "proc/self/mountinfo": v2Mounts,
			"sys/fs/cgroup/pod/app/cpu.max": "150000 100000\n",
		}, 1.5},
		{"v2 without a limit", map[string]string{
			"proc/self/cgroup": "0::/pod/app\n", "proc/self/mountinfo": v2Mounts,
			"sys/fs/cgroup/pod/app/cpu.max": "max 100000\n",
		}, 8},
		{"v2, the group above is narrower", map[string]string{
			"proc/self/cgroup": "0::/pod/app\n", "proc/self/mountinfo": v2Mounts,
			"sys/fs/cgroup/pod/app/cpu.max": "400000 100000\n", "sys/fs/cgroup/pod/cpu.max": "50000 100000\n",
		}, 0.5},
		{"v2 in a container with its own group namespace", map[string]string{
			"proc/self/cgroup": "0::/\n", "proc/self/mountinfo": v2Mounts,
			"sys/fs/cgroup/cpu.max": "200000 100000\n",
		}, 2},
		{"a quota of more than the host has", map[string]string{
			"proc/self/cgroup": "0::/\n", "proc/self/mountinfo": v2Mounts,
			"sys/fs/cgroup/cpu.max": "6400000 100000\n",
		}, 8},
		{"v1 limit", map[string]string{
			"proc/self/cgroup": "2:cpuacct,cpu:/docker/x\n0::/\n", "proc/self/mountinfo": v1Mounts,
			"sys/fs/cgroup/cpu/docker/x/cpu.cfs_quota_us": "20000\n", "sys/fs/cgroup/cpu/docker/x/cpu.cfs_period_us": "100000\n",
		}, 0.2},
		{"v1 without a limit", map[string]string{
			"proc/self/cgroup": "1:cpu:/docker/x\n", "proc/self/mountinfo": v1Mounts,
			"sys/fs/cgroup/cpu/docker/x/cpu.cfs_quota_us": "-1\n", "sys/fs/cgroup/cpu/docker/x/cpu.cfs_period_us": "100000\n",
		}, 8},
		{"v1 in a container that sees the host's path", map[string]string{
			"proc/self/cgroup":                   "1:cpu:/docker/x\n",
			"proc/self/mountinfo":                "32 31 0:29 /docker/x /sys/fs/cgroup/cpu ro - cgroup cgroup rw,cpu\n",
			"sys/fs/cgroup/cpu/cpu.cfs_quota_us": "300000\n", "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
		}, 3},
		{"a path outside of the mount", map[string]string{
			"proc/self/cgroup": "0::/../../elsewhere\n", "proc/self/mountinfo": v2Mounts,
			"sys/fs/cgroup/cpu.max": "100000 100000\n",
		}, 1},
		{"garbage", map[string]string{
			"proc/self/cgroup": "0::/\n", "proc/self/mountinfo": v2Mounts,
			"sys/fs/cgroup/cpu.max": "lots\n",
		}, 0},
		{"a period of zero", map[string]string{
			"proc/self/cgroup": "0::/\n", "proc/self/mountinfo": v2Mounts,
			"sys/fs/cgroup/cpu.max": "100000 0\n",
		}, 0},
		{"an empty file", map[string]string{
			"proc/self/cgroup": "0::/\n", "proc/self/mountinfo": v2Mounts,
			"sys/fs/cgroup/cpu.max": "",
		}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCPU(tree(t, tt.files), func() (time.Duration, error) { return 0, nil }, 8)
			got, err := c.capacity()
			if tt.want == 0 {
				require.Error(t, err)
				return
			}
			require.NoError(t, err)
			assert.InDelta(t, tt.want, got, 1e-12)
		})
	}
}

func TestCapacityFollowsResizeAndMove(t *testing.T) {
	root := tree(t, map[string]string{
		"proc/self/cgroup": "0::/a\n", "proc/self/mountinfo": v2Mounts,
		"sys/fs/cgroup/a/cpu.max": "100000 100000\n", "sys/fs/cgroup/b/cpu.max": "300000 100000\n",
	})
	c := newCPU(root, nil, 8)
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(root, name), []byte(text), 0o600))
	}
	expect := func(want float64) {
		t.Helper()
		got, err := c.capacity()
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}
	expect(1)
	write("sys/fs/cgroup/a/cpu.max", "200000 100000\n")
	expect(2)
	write("proc/self/cgroup", "0::/b\n")
	require.NoError(t, os.RemoveAll(filepath.Join(root, "sys/fs/cgroup/a")))
	expect(3)
}

func TestRead(t *testing.T) {
	var used time.Duration
	var failing error
	c := newCPU(t.TempDir(), func() (time.Duration, error) { return used, failing }, 2)
	read := func(at time.Duration) (float64, error) { return c.Read(start.Add(at)) }

	_, err := read(0)
	require.ErrorIs(t, err, ErrFirst)
	used = time.Second
	got, err := read(time.Second)
	require.NoError(t, err)
	assert.Equal(t, 0.5, got, "one of two cores")
	_, err = read(time.Second)
	require.ErrorIs(t, err, ErrFirst, "no time has passed")

	failing = errors.New("no")
	_, err = read(2 * time.Second)
	require.ErrorIs(t, err, failing)
	failing, used = nil, 4*time.Second
	got, err = read(3 * time.Second)
	require.NoError(t, err)
	assert.Equal(t, 0.75, got, "three seconds in two, the failed reading skipped")
}

// The real signal, of this very process: it is readable, and it rises while
// the process works.
func TestReadRisesWhenTheProcessWorks(t *testing.T) {
	if runtime.GOOS != "linux" {
		_, err := NewCPU().Read(time.Now())
		require.ErrorIs(t, err, errors.ErrUnsupported)
		return
	}
	c := NewCPU()
	_, err := c.Read(time.Now())
	require.ErrorIs(t, err, ErrFirst)
	// Idle: blocked on a channel, which needs no processor time.
	timer := time.NewTimer(50 * time.Millisecond)
	<-timer.C
	idle, err := c.Read(time.Now())
	require.NoError(t, err)
	assert.GreaterOrEqual(t, idle, 0.0)

	deadline := time.Now().Add(time.Minute)
	for sum, busy := uint64(0), 0.0; busy <= idle+0.05; {
		require.True(t, time.Now().Before(deadline), "a minute of work does not show: %v idle, %v busy", idle, busy)
		for i := range uint64(20_000_000) {
			sum += i * i
		}
		runtime.KeepAlive(sum)
		busy, err = c.Read(time.Now())
		require.NoError(t, err)
	}
}
