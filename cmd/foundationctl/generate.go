package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/foundation-os/otelcol-foundation/internal/livingos"
	"github.com/foundation-os/otelcol-foundation/internal/livingos/sender"
)

const generateUsage = `Usage: foundationctl generate [flags]

Sends the telemetry of a living Foundation OS over OTLP: multi-agent optimisation
requests with everything below them, as spans and log events with the attributes
of the architecture document, then prints what was acknowledged.

Of the document's 28 events it sends 25. The other three (23 degradation, 27 and
28 alert triggered and resolved) come from the collector itself; --document-alerts
sends them too.

Exit code: 0 everything was acknowledged (also after an interrupt), 1 something
was not, 2 the command line is wrong.

Flags:
`

// generateFlags are the flags of one invocation.
type generateFlags struct {
	livingos.Settings
	sender.Options
	scenario, summary string
}

func generate(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	f, code := parseGenerate(args, stdout, stderr)
	if f == nil {
		return code
	}
	dialer := net.Dialer{Timeout: time.Second}
	if conn, err := dialer.DialContext(ctx, "tcp", f.Endpoint); err != nil {
		fmt.Fprintf(stderr, "foundationctl: %v: trying for %v\n", err, f.RetryFor)
	} else {
		_ = conn.Close()
	}

	summary, err := sender.Run(ctx, f.Settings, f.Options)
	if err != nil {
		fmt.Fprintf(stderr, "foundationctl: %v\n", err)
		code = exitFail
	}
	write := summary.WriteText
	if f.summary == "json" {
		write = summary.WriteJSON
	}
	if err := write(stdout); err != nil {
		fmt.Fprintf(stderr, "foundationctl: %v\n", err)
		code = exitFail
	}
	return code
}

// parseGenerate returns nil and the exit code when there is nothing to run.
func parseGenerate(args []string, stdout, stderr io.Writer) (*generateFlags, int) {
	f, err := readGenerate(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		printUsage(stdout)
		return nil, exitOK
	case err != nil:
		for line := range strings.SplitSeq(err.Error(), "\n") {
			fmt.Fprintf(stderr, "foundationctl generate: %s\n", line)
		}
		fmt.Fprintln(stderr, "foundationctl generate --help lists the flags.")
		return nil, exitUsage
	}
	return f, exitOK
}

func printUsage(w io.Writer) {
	fmt.Fprint(w, generateUsage)
	set := generateSet(&generateFlags{})
	set.SetOutput(w)
	set.PrintDefaults()
}

// readGenerate reads the flags in two passes: a scenario gives the defaults that
// the other flags replace.
func readGenerate(args []string) (*generateFlags, error) {
	f := &generateFlags{}
	set := generateSet(f)
	if err := set.Parse(args); err != nil {
		return nil, err
	}
	if set.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q", set.Arg(0))
	}
	switch f.scenario {
	case "":
	case "demo":
		demo := livingos.Demo()
		*f = generateFlags{}
		set = generateSet(f)
		f.Settings = demo
		if err := set.Parse(args); err != nil {
			return nil, err
		}
		given := map[string]bool{}
		set.Visit(func(g *flag.Flag) { given[g.Name] = true })
		// A list that is given replaces the scenario's list. A rate of errors would
		// be nothing beside the scenario's bursts, which replace it for the whole run.
		if given["error-burst"] || given["error-rate"] {
			f.ErrorBursts = f.ErrorBursts[len(demo.ErrorBursts):]
		}
		if given["slow-down"] {
			f.SlowDowns = f.SlowDowns[len(demo.SlowDowns):]
		}
		if given["failing-dispatches"] {
			f.FailingDispatches = f.FailingDispatches[len(demo.FailingDispatches):]
		}
		if given["breaker"] {
			f.Breakers = f.Breakers[len(demo.Breakers):]
		}
	default:
		return nil, fmt.Errorf("scenario: %q, must be demo", f.scenario)
	}
	return f, f.complete()
}

// complete fills what depends on other flags and validates.
func (f *generateFlags) complete() error {
	if f.Endpoint == "" {
		f.Endpoint = "127.0.0.1:4317"
		if f.Protocol == sender.ProtocolHTTP {
			f.Endpoint = "127.0.0.1:4318"
		}
	}
	var errs []error
	_, _, err := net.SplitHostPort(f.Endpoint)
	if u, urlErr := url.Parse("http://" + f.Endpoint); err != nil || urlErr != nil || u.Host != f.Endpoint {
		errs = append(errs, fmt.Errorf("endpoint: %q, must be host:port", f.Endpoint))
	}
	if f.Protocol != sender.ProtocolGRPC && f.Protocol != sender.ProtocolHTTP {
		errs = append(errs, fmt.Errorf("protocol: %q, must be grpc or http", f.Protocol))
	}
	if f.summary != "text" && f.summary != "json" {
		errs = append(errs, fmt.Errorf("summary: %q, must be text or json", f.summary))
	}
	if f.RetryFor <= 0 {
		errs = append(errs, fmt.Errorf("retry-for: %v, must be positive", f.RetryFor))
	}
	for f.Seed == 0 {
		f.Seed = rand.Uint64N(1 << 53) // exact in every JSON reader
	}
	return errors.Join(append(errs, f.Validate())...)
}

func generateSet(f *generateFlags) *flag.FlagSet {
	s := flag.NewFlagSet("generate", flag.ContinueOnError)
	s.SetOutput(io.Discard)
	s.Usage = func() {}

	s.StringVar(&f.Endpoint, "endpoint", "", "`host:port` of the OTLP receiver (default 127.0.0.1:4317, with --protocol http 127.0.0.1:4318)")
	s.StringVar((*string)(&f.Protocol), "protocol", "grpc", "grpc or http")
	s.BoolVar(&f.TLS, "tls", false, "encrypt, and check the server's certificate")
	s.Func("header", "`name=value` sent with every export; repeatable", func(v string) error {
		name, value, found := strings.Cut(v, "=")
		if !found || name == "" {
			return errors.New("must be name=value")
		}
		if f.Headers == nil {
			f.Headers = map[string]string{}
		}
		f.Headers[name] = value
		return nil
	})
	s.DurationVar(&f.RetryFor, "retry-for", 30*time.Second, "how long to retry while the receiver is away or asks to wait, then give up")
	s.StringVar(&f.ServiceName, "service-name", "foundation_os", "service.name of the resource")
	s.StringVar(&f.Environment, "environment", "dev", "deployment.environment of the resource")
	s.BoolVar(&f.Metrics, "metrics", true, "also send the application's own gauges every 5 s")
	s.StringVar(&f.summary, "summary", "text", "text or json")

	s.StringVar(&f.scenario, "scenario", "", "demo: two and a half minutes with one incident; flags after or before it replace its settings")
	s.DurationVar(&f.Duration, "duration", time.Minute, "length of the run; 0 = until interrupted")
	s.Float64Var(&f.Rate, "rate", 2, "requests per second in all; 0 = as fast as possible (needs --requests)")
	s.IntVar(&f.Requests, "requests", 0, "send exactly so many requests instead of looking at --duration")
	s.IntVar(&f.Senders, "senders", 1, "concurrent application instances, each with a connection and service.instance.id of its own")
	s.Uint64Var(&f.Seed, "seed", 0, "same seed, same content, ids included; 0 = a new one, told in the summary")

	s.Float64Var(&f.ErrorRate, "error-rate", 0.01, "probability that an operation which can fail fails, 0 to 1")
	list(s, "error-burst", "`from=60s,for=20s,rate=0.3` replaces the error rate for a while; repeatable", &f.ErrorBursts, livingos.ParseErrorBurst)
	list(s, "slow-down", "`from=60s,for=20s,factor=4[,operations=lookup+dispatch]` multiplies durations for a while; repeatable; operations are\nlookup, register, registration, dispatch, auction, execution, iteration (default lookup+dispatch+execution)",
		&f.SlowDowns, livingos.ParseSlowDown)
	list(s, "failing-dispatches", "`from=60s,for=20s,ratio=0.6` lets a share of the signal dispatches fail for a while; repeatable", &f.FailingDispatches, livingos.ParseFailingDispatches)
	list(s, "breaker", "`name=model_api,opens=60s,closes=80s` opens and closes a circuit breaker, half-open in between; repeatable;\nwithout it one opens and closes at once in every 100th request", &f.Breakers, livingos.ParseBreaker)
	s.BoolVar(&f.SpanEvents, "span-events", false, "send bids and agent results as span events instead of log records")
	s.BoolVar(&f.DocumentAlerts, "document-alerts", false, "also send the degradation and alert events as the document's application would")
	return s
}

// list adds a flag that appends to a list each time it is given.
func list[T any](s *flag.FlagSet, name, usage string, into *[]T, parse func(string) (T, error)) {
	s.Func(name, usage, func(text string) error {
		v, err := parse(text)
		if err != nil {
			return err
		}
		*into = append(*into, v)
		return nil
	})
}
