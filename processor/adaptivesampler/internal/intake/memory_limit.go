package intake

import (
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
)

// memoryLimits reads the bytes that a group may use. In v2 there are two: at
// max the kernel kills, at high it stops the group from running to reclaim what
// there is to reclaim, which for a process that holds data is no better.
func memoryLimits(dir string, v2 bool) []limit {
	names := []string{"memory.limit_in_bytes"}
	if v2 {
		names = []string{"memory.max", "memory.high"}
	}
	var found []limit
	for _, name := range names {
		file := filepath.Join(dir, name)
		if !exists(file) { // as in the root
			continue
		}
		found = append(found, func() (float64, error) {
			words, err := readWords(file)
			if err != nil {
				return 0, err
			}
			if len(words) == 1 && words[0] == "max" {
				return 0, nil
			}
			if len(words) != 1 {
				return 0, fmt.Errorf("%s: %q is not a number of bytes", file, words)
			}
			return bytes(file, words[0])
		})
	}
	return found
}

// hostMemory is the memory that the host has.
func hostMemory(root string) (float64, error) {
	file := filepath.Join(root, "proc/meminfo")
	words, err := readWords(file)
	if err != nil {
		return 0, err
	}
	// MemTotal: 16318480 kB
	for i := range len(words) - 2 {
		if words[i] == "MemTotal:" && words[i+2] == "kB" {
			kib, err := bytes(file, words[i+1])
			return kib * 1024, err
		}
	}
	return 0, errors.New(file + ": has no MemTotal in kB")
}

// bytes reads a number. 0 is not one: it would be no limit.
func bytes(file, text string) (float64, error) {
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil || n == 0 {
		return 0, fmt.Errorf("%s: %q is not a number of bytes", file, text)
	}
	return float64(n), nil
}
