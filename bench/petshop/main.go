// Command petshop scores the degradation processor by faults that were injected
// into a running shop (PetShop, Hardt et al., "The PetShop Dataset: Finding
// Causes of Performance Issues across Microservices", 2023; CC-BY-4.0).
//
//	go run ./bench/petshop -data DIR
//
// DIR holds the traffics, each with any of noissue, train and test. Every
// service's latency goes through the processor itself as a delta histogram of as
// many measurements as the service had requests.
//
// A fault is found when the latency of the service it was injected into, or of
// the one whose users saw it (the target), begins to be degraded in an interval
// that ends after the fault began. The delay is from the beginning to that end.
// Before the fault's own five intervals comes the quiet run of the same traffic.
// False episodes are those of all services in the quiet runs. Steps are the
// services of a quiet run, each made slower by a factor for two hours; one is
// found when an episode begins within them.
//
// Faults that were injected as errors ("availability") are shown apart: their
// latency may not change at all.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/foundation-os/otelcol-foundation/bench/internal/drive"
)

func main() {
	data := flag.String("data", "", "the `folder` that holds the traffics (also below a folder dataset)")
	each := flag.Bool("faults", false, "also each fault and each false episode, on stderr")
	flag.Parse()
	if *data == "" || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	if err := run(os.Stdout, os.Stderr, *data, *each); err != nil {
		fmt.Fprintln(os.Stderr, "petshop:", err)
		os.Exit(1)
	}
}

func run(out, notes io.Writer, data string, each bool) error {
	traffics, err := readAll(data)
	if err != nil {
		return err
	}
	lent := lendQuiet(traffics, notes)
	for _, mode := range drive.Modes() {
		r, err := scoreMode(mode, traffics, lent)
		if errors.Is(err, drive.ErrNoMode) {
			fmt.Fprintln(notes, "skipped:", err)
			continue
		}
		if err != nil {
			return fmt.Errorf("%s: %w", mode, err)
		}
		r.print(out, mode)
		if each {
			for _, n := range r.notes {
				fmt.Fprintln(notes, mode, n)
			}
		}
	}
	return nil
}

// result is what a mode did.
type result struct {
	faults     map[string]*tally // by kind: latency, availability
	steps      [len(steps)]tally
	episodes   int // in the quiet runs
	seriesDays float64
	notes      []string
}

type tally struct {
	found, all int
	delays     []time.Duration
}

func (t *tally) String() string {
	s := fmt.Sprintf("%d/%d", t.found, t.all)
	if len(t.delays) > 0 {
		slices.Sort(t.delays)
		s += fmt.Sprintf(", delay median %s, most %s", t.delays[len(t.delays)/2], t.delays[len(t.delays)-1])
	}
	return s
}

func (r *result) print(out io.Writer, mode string) {
	for _, kind := range []string{"latency", "availability"} {
		if t := r.faults[kind]; t != nil {
			fmt.Fprintf(out, "%s %s faults found %s\n", mode, kind, t)
		}
	}
	for i := range r.steps {
		if r.steps[i].all > 0 {
			fmt.Fprintf(out, "%s steps ×%v found %s\n", mode, steps[i], &r.steps[i])
		}
	}
	rate := 0.0
	if r.seriesDays > 0 {
		rate = float64(r.episodes) / r.seriesDays
	}
	fmt.Fprintf(out, "%s false episodes %.3f a series-day (%d in %.1f)\n", mode, rate, r.episodes, r.seriesDays)
}

// lendQuiet gives a traffic without a quiet run that of another, for the
// services have the same names: it says so, since their levels differ.
func lendQuiet(traffics []*traffic, notes io.Writer) map[*traffic]*table {
	quiet := map[*traffic]*table{}
	for _, t := range traffics {
		quiet[t] = t.quiet
		if t.quiet != nil {
			continue
		}
		for _, other := range traffics {
			if other.quiet != nil {
				quiet[t] = other.quiet
				fmt.Fprintf(notes, "%s has no quiet run; its faults follow that of %s\n", t.name, other.name)
				break
			}
		}
	}
	return quiet
}
