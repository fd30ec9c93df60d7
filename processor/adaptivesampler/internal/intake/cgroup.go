package intake

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// limit reads how much one control group may use, 0 for no limit.
type limit func() (float64, error)

// limits are those of one controller on this process.
type limits struct {
	root, controller string
	of               limitsOf
	found            []limit
}

// limitsOf finds the limits that the files in the folder of a group are.
type limitsOf func(dir string, v2 bool) []limit

func newLimits(root, controller string, of limitsOf) *limits {
	l := &limits{root: root, controller: controller, of: of}
	l.found = l.find()
	return l
}

// least returns the narrowest limit, 0 for none. It is read anew each time: a
// container can be resized while it runs.
func (l *limits) least() (float64, error) {
	least, err := leastOf(l.found)
	if err != nil {
		// The process may have been moved to another group.
		l.found = l.find()
		least, err = leastOf(l.found)
	}
	return least, err
}

func leastOf(found []limit) (float64, error) {
	least := 0.0
	for _, read := range found {
		value, err := read()
		if err != nil {
			return 0, err
		}
		if value > 0 && (least == 0 || value < least) {
			least = value
		}
	}
	return least, nil
}

// find finds the groups that limit this process: its own and those above
// it, in the cgroup v2 tree and in the controller's own of v1. A system without
// control groups, or groups without limits, has none.
func (l *limits) find() []limit {
	groups, err := os.ReadFile(filepath.Join(l.root, "proc/self/cgroup"))
	if err != nil {
		return nil
	}
	mounts, err := os.ReadFile(filepath.Join(l.root, "proc/self/mountinfo"))
	if err != nil {
		return nil
	}
	var found []limit
	for _, m := range parseMounts(string(mounts), l.controller) {
		path, ok := groupPath(string(groups), l.controller, m.v2)
		if !ok {
			continue
		}
		top := filepath.Join(l.root, m.point)
		for dir := filepath.Join(top, m.below(path)); ; dir = filepath.Dir(dir) {
			found = append(found, l.of(dir, m.v2)...)
			if len(dir) <= len(top) {
				break
			}
		}
	}
	return found
}

// mount is one mounted cgroup hierarchy that may limit the process.
type mount struct {
	root, point string
	v2          bool
}

// below is where a group lies below the mount point. A container often sees
// only its own group mounted, while its path still is the host's: then the
// mount point itself is the group.
func (m mount) below(path string) string {
	rel, err := filepath.Rel(m.root, path)
	if err != nil || rel == ".." || strings.HasPrefix(rel, "../") {
		return ""
	}
	return rel
}

// parseMounts reads /proc/self/mountinfo:
//
//	32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu
func parseMounts(text, controller string) []mount {
	var mounts []mount
	for line := range strings.Lines(text) {
		left, right, ok := strings.Cut(line, " - ")
		if !ok {
			continue
		}
		l, r := strings.Fields(left), strings.Fields(right)
		if len(l) < 5 || len(r) < 3 {
			continue
		}
		switch {
		case r[0] == "cgroup2":
			mounts = append(mounts, mount{root: l[3], point: l[4], v2: true})
		case r[0] == "cgroup" && slices.Contains(strings.Split(r[2], ","), controller):
			mounts = append(mounts, mount{root: l[3], point: l[4]})
		}
	}
	return mounts
}

// groupPath finds the process's group in /proc/self/cgroup, lines of
// "id:controllers:path"; the v2 tree has the id 0 and no controllers.
func groupPath(text, controller string, v2 bool) (string, bool) {
	for line := range strings.Lines(text) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 {
			continue
		}
		if v2 && parts[0] == "0" && parts[1] == "" ||
			!v2 && slices.Contains(strings.Split(parts[1], ","), controller) {
			return parts[2], true
		}
	}
	return "", false
}

func readWords(file string) ([]string, error) {
	text, err := os.ReadFile(file)
	return strings.Fields(string(text)), err
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}
