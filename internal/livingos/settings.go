package livingos

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// Settings say how much telemetry there is and what goes wrong in it.
type Settings struct {
	// Seed determines all content: ids, durations, failures.
	Seed uint64
	// Senders is the number of application instances; request i belongs to
	// instance i mod Senders.
	Senders int
	// Rate is the number of requests per second over all senders. Zero means as
	// fast as the receiver takes them; then nothing below may depend on time.
	Rate float64
	// Requests is the number of requests in all. Zero means Duration decides.
	Requests int
	// Duration is the length of the run. Zero, with Requests zero, means until
	// interrupted.
	Duration time.Duration

	// ErrorRate is the probability that an operation which can fail fails:
	// lookups, agent registrations, dispatches, auctions, program executions,
	// multi-agent runs (which then do not converge). Process registrations and
	// optimisation iterations never fail.
	ErrorRate float64
	// ErrorBursts replace ErrorRate for a while; the later one wins.
	ErrorBursts []ErrorBurst
	// SlowDowns multiply durations for a while.
	SlowDowns []SlowDown
	// FailingDispatches raise the share of failing signal dispatches.
	FailingDispatches []FailingDispatches
	// Breakers open and close circuit breakers.
	Breakers []Breaker

	// SpanEvents sends what happens inside a span (bids, agent results) as span
	// events instead of log records, as older SDKs do.
	SpanEvents bool
	// DocumentAlerts also sends the three events (degradation, alert triggered,
	// alert resolved) that in this product the collector itself produces.
	DocumentAlerts bool
}

// Window is a time span after the start of the run.
type Window struct {
	From time.Duration
	For  time.Duration
}

func (w Window) contains(t time.Duration) bool { return t >= w.From && t < w.From+w.For }

func (w Window) validate() error {
	if w.From < 0 {
		return errors.New("from: must not be negative")
	}
	if w.For <= 0 {
		return errors.New("for: must be positive")
	}
	return nil
}

// ErrorBurst replaces the error rate within its window.
type ErrorBurst struct {
	Window
	Rate float64
}

// SlowDown multiplies the durations of some operations within its window.
type SlowDown struct {
	Window
	Factor float64
	// Operations are the kinds slowed down; empty means lookup, dispatch and
	// execution.
	Operations []Kind
}

// FailingDispatches lets a share of the signal dispatches fail within its window.
type FailingDispatches struct {
	Window
	Ratio float64
}

// Breaker is a circuit breaker that opens once. It tries half-open after three
// quarters of the time in between.
type Breaker struct {
	Name   string
	Opens  time.Duration
	Closes time.Duration
}

// halfOpens is when the breaker lets the first trial call through.
func (b Breaker) halfOpens() time.Duration { return b.Opens + (b.Closes-b.Opens)*3/4 }

// Kind is a kind of operation with a duration of its own.
type Kind string

const (
	KindLookup       Kind = "lookup"
	KindRegister     Kind = "register"
	KindRegistration Kind = "registration"
	KindDispatch     Kind = "dispatch"
	KindAuction      Kind = "auction"
	KindExecution    Kind = "execution"
	KindIteration    Kind = "iteration"
)

// Kinds are all kinds, in the order in which usage texts list them.
var Kinds = []Kind{KindLookup, KindRegister, KindRegistration, KindDispatch, KindAuction, KindExecution, KindIteration}

var slowByDefault = []Kind{KindLookup, KindDispatch, KindExecution}

// Total is the number of requests in all; zero means until interrupted.
func (s Settings) Total() int {
	if s.Requests > 0 {
		return s.Requests
	}
	return int(math.Ceil(s.Rate * s.Duration.Seconds()))
}

// Due is the planned time of request i since the start.
func (s Settings) Due(i int) time.Duration {
	if s.Rate == 0 {
		return 0
	}
	return time.Duration(float64(i) / s.Rate * float64(time.Second))
}

// End is the planned length of the run; zero means unknown.
func (s Settings) End() time.Duration {
	if s.Requests > 0 {
		return s.Due(s.Requests)
	}
	return s.Duration
}

// RunsOverlap says whether a program may be optimised again before its last
// optimisation ends: then nobody can say how many runs there were.
func (s Settings) RunsOverlap() bool {
	programs := programsPerSender * s.Senders
	if total := s.Total(); total > 0 && total <= programs {
		return false
	}
	slowest := 1.0
	for _, d := range s.SlowDowns {
		slowest = max(slowest, d.Factor)
	}
	return s.Rate == 0 || float64(programs)/s.Rate < slowest*longestRequest.Seconds()
}

// Validate reports everything that is wrong, named as the flags are.
func (s Settings) Validate() error {
	var errs []error
	wrong := func(format string, a ...any) { errs = append(errs, fmt.Errorf(format, a...)) }
	if s.Senders < 1 || s.Senders > 1000 {
		wrong("senders: %d, must be 1 to 1000", s.Senders)
	}
	if math.IsNaN(s.Rate) || math.IsInf(s.Rate, 0) || s.Rate < 0 {
		wrong("rate: %v, must be 0 (as fast as possible) or more", s.Rate)
	}
	if s.Requests < 0 {
		wrong("requests: %d, must not be negative", s.Requests)
	}
	if s.Duration < 0 {
		wrong("duration: %v, must not be negative", s.Duration)
	}
	if s.Rate == 0 && s.Requests == 0 {
		wrong("rate: 0 needs requests, the number to send as fast as possible")
	}
	if !isProbability(s.ErrorRate) {
		wrong("error-rate: %v, must be between 0 and 1", s.ErrorRate)
	}
	timed := 0
	window := func(name string, w Window) {
		timed++
		if err := w.validate(); err != nil {
			wrong("%s: %w", name, err)
		} else if s.End() > 0 && w.From >= s.End() {
			wrong("%s: from: %v, must be before the end of the run at %v", name, w.From, s.End())
		}
	}
	for _, b := range s.ErrorBursts {
		window("error-burst", b.Window)
		if !isProbability(b.Rate) {
			wrong("error-burst: rate: %v, must be between 0 and 1", b.Rate)
		}
	}
	for _, d := range s.SlowDowns {
		window("slow-down", d.Window)
		if !(d.Factor > 0) || d.Factor > 1000 {
			wrong("slow-down: factor: %v, must be above 0, at most 1000", d.Factor)
		}
		for _, k := range d.Operations {
			if !slices.Contains(Kinds, k) {
				wrong("slow-down: operations: %q, must be of %s", k, joinKinds(Kinds))
			}
		}
	}
	for _, f := range s.FailingDispatches {
		window("failing-dispatches", f.Window)
		if !isProbability(f.Ratio) {
			wrong("failing-dispatches: ratio: %v, must be between 0 and 1", f.Ratio)
		}
	}
	for _, b := range s.Breakers {
		timed++
		switch {
		case b.Name == "":
			wrong("breaker: name: must not be empty")
		case b.Opens < 0:
			wrong("breaker: opens: %v, must not be negative", b.Opens)
		case b.Closes <= b.Opens:
			wrong("breaker: closes: %v, must be after opens (%v)", b.Closes, b.Opens)
		case s.End() > 0 && b.Closes > s.End():
			wrong("breaker: closes: %v, must be before the end of the run at %v", b.Closes, s.End())
		}
	}
	if timed > 0 && s.Rate == 0 {
		wrong("rate: 0 (as fast as possible) has no planned times: error-burst, slow-down, failing-dispatches and breaker need a rate")
	}
	return errors.Join(errs...)
}

func isProbability(p float64) bool { return p >= 0 && p <= 1 }

func joinKinds(kinds []Kind) string {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = string(k)
	}
	return strings.Join(names, ", ")
}
