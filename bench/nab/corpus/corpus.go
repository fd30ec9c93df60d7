package corpus

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/foundation-os/otelcol-foundation/bench/nab/score"
)

// File is one series: its name in the windows file, "category/name.csv".
type File struct {
	Name    string
	Points  []Point
	Windows []score.Window
}

// Point is a row.
type Point struct {
	At    time.Time
	Value float64
}

// Read returns every series below the folder, in the order of their names, with
// its windows. unlabelled are those that the windows file does not name; they
// count as having none.
func Read(folder, windows string) (files []File, unlabelled []string, err error) {
	var labels map[string][][2]string
	if err := readJSON(windows, &labels); err != nil {
		return nil, nil, err
	}
	err = filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".csv") {
			return err
		}
		name, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		f := File{Name: filepath.ToSlash(name)}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if f.Points, err = parse(string(text)); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		label, known := labels[f.Name]
		if !known {
			unlabelled = append(unlabelled, f.Name)
		}
		if f.Windows, err = find(f.Points, label); err != nil {
			return fmt.Errorf("%s: %s: %w", windows, f.Name, err)
		}
		files = append(files, f)
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	if len(files) == len(unlabelled) {
		return nil, nil, fmt.Errorf("%s: names none of the %d series below %s; give the folder that holds the categories", windows, len(files), folder)
	}
	return files, unlabelled, nil
}

// Profile is a way to weigh what is found.
type Profile struct {
	Name string
	score.Profile
}

// Profiles reads them, the standard one first, then by name.
func Profiles(path string) ([]Profile, error) {
	var all map[string]struct {
		CostMatrix struct{ TPWeight, FPWeight, FNWeight float64 }
	}
	if err := readJSON(path, &all); err != nil {
		return nil, err
	}
	out := make([]Profile, 0, len(all))
	for name, p := range all {
		m := p.CostMatrix
		out = append(out, Profile{name, score.Profile{TP: m.TPWeight, FP: m.FPWeight, FN: m.FNWeight}})
	}
	slices.SortFunc(out, func(a, b Profile) int {
		return cmp.Or(isStandard(b)-isStandard(a), cmp.Compare(a.Name, b.Name))
	})
	return out, nil
}

func isStandard(p Profile) int {
	if p.Name == "standard" {
		return 1
	}
	return 0
}

func readJSON(path string, to any) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, to); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
