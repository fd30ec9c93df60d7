package intake

import (
	"fmt"
	"path/filepath"
	"strconv"
)

// cpuLimits reads the cores that a group may use. A group without the files of
// a quota, such as the root, has none.
func cpuLimits(dir string, v2 bool) []limit {
	if v2 {
		file := filepath.Join(dir, "cpu.max")
		if !exists(file) {
			return nil
		}
		return []limit{func() (float64, error) {
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
		}}
	}
	quotaFile, periodFile := filepath.Join(dir, "cpu.cfs_quota_us"), filepath.Join(dir, "cpu.cfs_period_us")
	if !exists(quotaFile) {
		return nil
	}
	return []limit{func() (float64, error) {
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
	}}
}

func cores(file, quota, period string) (float64, error) {
	q, errQ := strconv.ParseUint(quota, 10, 63)
	p, errP := strconv.ParseUint(period, 10, 63)
	if errQ != nil || errP != nil || q == 0 || p == 0 {
		return 0, fmt.Errorf("%s: %q of %q is not a quota of a period", file, quota, period)
	}
	return float64(q) / float64(p), nil
}
