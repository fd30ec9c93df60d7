package intake

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// quota reads the cores that one control group may use, 0 for no limit.
type quota func() (float64, error)

// findQuotas finds the groups that limit this process: its own and those above
// it, in the cgroup v2 tree and in the cpu controller of v1. A system without
// control groups, or groups without limits, has none.
func findQuotas(root string) []quota {
	groups, err := os.ReadFile(filepath.Join(root, "proc/self/cgroup"))
	if err != nil {
		return nil
	}
	mounts, err := os.ReadFile(filepath.Join(root, "proc/self/mountinfo"))
	if err != nil {
		return nil
	}
	var found []quota
	for _, m := range parseMounts(string(mounts)) {
		path, ok := groupPath(string(groups), m.v2)
		if !ok {
			continue
		}
		top := filepath.Join(root, m.point)
		for dir := filepath.Join(top, m.below(path)); ; dir = filepath.Dir(dir) {
			if q := quotaOf(dir, m.v2); q != nil {
				found = append(found, q)
			}
			if len(dir) <= len(top) {
				break
			}
		}
	}
	return found
}

func leastQuota(quotas []quota) (float64, error) {
	least := 0.0
	for _, q := range quotas {
		cores, err := q()
		if err != nil {
			return 0, err
		}
		if cores > 0 && (least == 0 || cores < least) {
			least = cores
		}
	}
	return least, nil
}

// mount is one mounted cgroup hierarchy that may limit the processor.
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
func parseMounts(text string) []mount {
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
		case r[0] == "cgroup" && slices.Contains(strings.Split(r[2], ","), "cpu"):
			mounts = append(mounts, mount{root: l[3], point: l[4]})
		}
	}
	return mounts
}

// groupPath finds the process's group in /proc/self/cgroup, lines of
// "id:controllers:path"; the v2 tree has the id 0 and no controllers.
func groupPath(text string, v2 bool) (string, bool) {
	for line := range strings.Lines(text) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 {
			continue
		}
		if v2 && parts[0] == "0" && parts[1] == "" ||
			!v2 && slices.Contains(strings.Split(parts[1], ","), "cpu") {
			return parts[2], true
		}
	}
	return "", false
}

// quotaOf is nil for a group without the files of a limit, such as the root.
func quotaOf(dir string, v2 bool) quota {
	if v2 {
		file := filepath.Join(dir, "cpu.max")
		if _, err := os.Stat(file); err != nil {
			return nil
		}
		return func() (float64, error) {
			words, err := readWords(file)
			if err != nil {
				return 0, err
			}
			if len(words) > 0 && words[0] == "max" {
				return 0, nil
			}
			if len(words) != 2 {
				return 0, fmt.Errorf("%s: %q is not a quota and a period", file, words)
			}
			return cores(file, words[0], words[1])
		}
	}
	quotaFile, periodFile := filepath.Join(dir, "cpu.cfs_quota_us"), filepath.Join(dir, "cpu.cfs_period_us")
	if _, err := os.Stat(quotaFile); err != nil {
		return nil
	}
	return func() (float64, error) {
		quota, err := readWords(quotaFile)
		if err != nil {
			return 0, err
		}
		if len(quota) == 1 && quota[0] == "-1" {
			return 0, nil
		}
		period, err := readWords(periodFile)
		if err != nil {
			return 0, err
		}
		if len(quota) != 1 || len(period) != 1 {
			return 0, fmt.Errorf("%s: %q of %q is not a quota of a period", quotaFile, quota, period)
		}
		return cores(quotaFile, quota[0], period[0])
	}
}

func readWords(file string) ([]string, error) {
	text, err := os.ReadFile(file)
	return strings.Fields(string(text)), err
}

func cores(file, quota, period string) (float64, error) {
	q, errQ := strconv.ParseUint(quota, 10, 63)
	p, errP := strconv.ParseUint(period, 10, 63)
	if errQ != nil || errP != nil || q == 0 || p == 0 {
		return 0, fmt.Errorf("%s: %q of %q is not a quota of a period", file, quota, period)
	}
	return float64(q) / float64(p), nil
}
