// Command nab scores the degradation processor by the Numenta Anomaly Benchmark.
//
//	go run ./bench/nab -data DIR -windows FILE -profiles FILE
//
// DIR holds the categories, FILE are the benchmark's combined_windows.json and
// profiles.json. Every series goes through the processor itself as a gauge, in
// one configuration for all. Each line is a mode, a threshold, a profile and a
// score of 100 at best:
//
//	adaptive shipped standard 71.2
//
// A detection is the beginning of an episode: what is told to people, once.
// "shipped" is what the processor itself calls degraded; "optimised" the
// threshold, one for the whole corpus and profile, that scores best, which is
// how the benchmark's own table is made.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"strings"

	"github.com/foundation-os/otelcol-foundation/bench/internal/drive"
	"github.com/foundation-os/otelcol-foundation/bench/nab/corpus"
	"github.com/foundation-os/otelcol-foundation/bench/nab/score"
)

// settings are those of a mode, the same for all files: the shipped ones but for
// what the benchmark asks for. It wants anomalies in both directions, single
// points among them, once each, in series of a point every five minutes to an
// hour with daily patterns. So the past is ten days in panes of an hour, and 240
// values of it before anything is said; what is told is remembered for thirty
// days, and does not become normal sooner; one suspect is enough. Mode adaptive
// leaves the ratios out, which daily patterns exceed every day, and asks for no
// distance from the median, which is never far in a series that is low at night
// and high by day.
func settings(mode string) drive.Settings {
	s := drive.Settings{
		"direction":    "both",
		"pane":         "1h",
		"window":       "240h",
		"baseline_ttl": "720h",
		"max_degraded": "720h",
		"min_samples":  240,
		"pending":      map[string]any{"m": 1, "n": 1},
	}
	if mode == "adaptive" {
		off := math.Inf(1)
		s["mean_ratio"], s["p95_ratio"] = off, off
		s["clear"] = map[string]any{"mean_ratio": off, "p95_ratio": off}
		s["adaptive"] = map[string]any{"deviations": 0}
	}
	return s
}

func main() {
	data := flag.String("data", "", "the `folder` that holds the benchmark's categories")
	windows := flag.String("windows", "", "its combined_windows.json")
	profiles := flag.String("profiles", "", "its profiles.json")
	perFile := flag.Bool("files", false, "also what was found in each file, on stderr")
	every := flag.Bool("points", false, "count each degraded point as a detection, not only the one that an episode begins with")
	set := flag.String("set", "{}", "other settings of the processor than those of this program, as `JSON`, to try them")
	only := flag.String("mode", strings.Join(drive.Modes(), ","), "the `modes`, separated by commas")
	flag.Parse()
	var tried drive.Settings
	if err := json.Unmarshal([]byte(*set), &tried); err != nil {
		fmt.Fprintln(os.Stderr, "nab: -set:", err)
		os.Exit(2)
	}
	if *data == "" || *windows == "" || *profiles == "" || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	modes := strings.Split(*only, ",")
	if err := run(os.Stdout, os.Stderr, *data, *windows, *profiles, modes, tried, *perFile, *every); err != nil {
		fmt.Fprintln(os.Stderr, "nab:", err)
		os.Exit(1)
	}
}

func run(out, notes io.Writer, data, windows, profiles string, modes []string, tried drive.Settings, perFile, every bool) error {
	files, unlabelled, err := corpus.Read(data, windows)
	if err != nil {
		return err
	}
	if len(unlabelled) > 0 {
		fmt.Fprintf(notes, "not in %s, and counted as without anomalies: %s\n", windows, strings.Join(unlabelled, ", "))
	}
	weights, err := corpus.Profiles(profiles)
	if err != nil {
		return err
	}
	for _, mode := range modes {
		config := settings(mode)
		maps.Copy(config, tried)
		series, err := detect(mode, config, files, every)
		if errors.Is(err, drive.ErrNoMode) {
			fmt.Fprintln(notes, "skipped:", err)
			continue
		}
		if err != nil {
			return fmt.Errorf("%s: %w", mode, err)
		}
		c := score.NewCorpus(series)
		for _, p := range weights {
			fmt.Fprintf(out, "%s shipped %s %.1f\n", mode, p.Name, c.At(p.Profile, shipped))
		}
		for _, p := range weights {
			_, best := c.Best(p.Profile)
			fmt.Fprintf(out, "%s optimised %s %.1f\n", mode, p.Name, best)
		}
		found, wrong := c.Counts(shipped)
		fmt.Fprintf(notes, "%s: %d of %d windows found, %d false episodes\n", mode, found, c.Windows(), wrong)
		if perFile {
			for i, f := range files {
				one := score.NewCorpus(series[i : i+1])
				found, wrong := one.Counts(shipped)
				fmt.Fprintf(notes, "%s %s: %d of %d found, %d false\n", mode, f.Name, found, one.Windows(), wrong)
			}
		}
	}
	return nil
}
