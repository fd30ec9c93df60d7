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
// "shipped" is what the processor itself calls degraded; "optimised" the
// threshold, one for the whole corpus and profile, that scores best, which is
// how the benchmark's own table is made.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/foundation-os/otelcol-foundation/bench/internal/drive"
	"github.com/foundation-os/otelcol-foundation/bench/nab/corpus"
	"github.com/foundation-os/otelcol-foundation/bench/nab/score"
)

// settings are the one configuration: the shipped one but for what the
// benchmark asks for.
func settings(mode string) drive.Settings {
	return drive.Settings{}
}

func main() {
	data := flag.String("data", "", "the `folder` that holds the benchmark's categories")
	windows := flag.String("windows", "", "its combined_windows.json")
	profiles := flag.String("profiles", "", "its profiles.json")
	perFile := flag.Bool("files", false, "also what was found in each file, on stderr")
	flag.Parse()
	if *data == "" || *windows == "" || *profiles == "" || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	if err := run(os.Stdout, os.Stderr, *data, *windows, *profiles, *perFile); err != nil {
		fmt.Fprintln(os.Stderr, "nab:", err)
		os.Exit(1)
	}
}

func run(out, notes io.Writer, data, windows, profiles string, perFile bool) error {
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
	for _, mode := range drive.Modes() {
		series, err := detect(mode, settings(mode), files)
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
