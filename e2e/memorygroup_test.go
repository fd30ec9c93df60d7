package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// memoryGroup is a cgroup with a limit of memory, below this process's own. Nil
// where none can be made.
type memoryGroup struct {
	folder string
	// events is the file that counts kills, in lines "oom_kill <n>".
	events string
}

// newMemoryGroup makes one, of version 2 or 1, or says why it cannot.
func newMemoryGroup(t *testing.T, bytes int64) *memoryGroup {
	t.Helper()
	text, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		t.Log("no memory group: ", err)
		return nil
	}
	name := fmt.Sprintf("foundation-e2e-%d", os.Getpid())
	for line := range strings.Lines(string(text)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) < 3 {
			continue
		}
		g := &memoryGroup{}
		var limit string
		switch {
		case parts[0] == "0":
			g.folder = filepath.Join("/sys/fs/cgroup", parts[2], name)
			g.events, limit = "memory.events", "memory.max"
		case parts[1] == "memory":
			g.folder = filepath.Join("/sys/fs/cgroup/memory", parts[2], name)
			g.events, limit = "memory.oom_control", "memory.limit_in_bytes"
		default:
			continue
		}
		if err := os.Mkdir(g.folder, 0o755); err != nil {
			t.Log("no memory group: ", err)
			continue
		}
		t.Cleanup(func() { _ = os.Remove(g.folder) })
		if err := os.WriteFile(filepath.Join(g.folder, limit), []byte(strconv.FormatInt(bytes, 10)), 0o600); err != nil {
			t.Log("no memory group: ", err)
			continue
		}
		return g
	}
	return nil
}

// command becomes the command behind it, inside of the group.
func (g *memoryGroup) command() []string {
	if g == nil {
		return nil
	}
	return []string{"/bin/sh", "-c", `echo $$ > "$0/cgroup.procs" && exec "$@"`, g.folder}
}

// kills is how often the kernel had to kill for want of memory.
func (g *memoryGroup) kills(t *testing.T) (n int) {
	t.Helper()
	if g == nil {
		return 0
	}
	text, err := os.ReadFile(filepath.Join(g.folder, g.events))
	require.NoError(t, err)
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "oom_kill "); ok {
			n, err = strconv.Atoi(strings.TrimSpace(value))
			require.NoError(t, err)
		}
	}
	return n
}
