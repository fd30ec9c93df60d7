package livingos

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The windowed settings are written as key=value pairs separated by commas:
//
//	from=45s,for=25s,factor=4,operations=lookup+dispatch

// ParseErrorBurst reads from, for and rate.
func ParseErrorBurst(text string) (ErrorBurst, error) {
	var b ErrorBurst
	err := parsePairs(text, map[string]func(string) error{
		"from": duration(&b.From), "for": duration(&b.For), "rate": number(&b.Rate),
	}, nil)
	return b, err
}

// ParseSlowDown reads from, for, factor and, optionally, operations joined by +.
func ParseSlowDown(text string) (SlowDown, error) {
	var d SlowDown
	err := parsePairs(text, map[string]func(string) error{
		"from": duration(&d.From), "for": duration(&d.For), "factor": number(&d.Factor),
		"operations": func(v string) error {
			for name := range strings.SplitSeq(v, "+") {
				if !slices.Contains(Kinds, Kind(name)) {
					return fmt.Errorf("%q is not one of %s", name, joinKinds(Kinds))
				}
				d.Operations = append(d.Operations, Kind(name))
			}
			return nil
		},
	}, []string{"operations"})
	return d, err
}

// ParseFailingDispatches reads from, for and ratio.
func ParseFailingDispatches(text string) (FailingDispatches, error) {
	var f FailingDispatches
	err := parsePairs(text, map[string]func(string) error{
		"from": duration(&f.From), "for": duration(&f.For), "ratio": number(&f.Ratio),
	}, nil)
	return f, err
}

// ParseBreaker reads name, opens and closes.
func ParseBreaker(text string) (Breaker, error) {
	var b Breaker
	err := parsePairs(text, map[string]func(string) error{
		"name":  func(v string) error { b.Name = v; return nil },
		"opens": duration(&b.Opens), "closes": duration(&b.Closes),
	}, nil)
	return b, err
}

func parsePairs(text string, keys map[string]func(string) error, optional []string) error {
	allowed := make([]string, 0, len(keys))
	for k := range keys {
		allowed = append(allowed, k)
	}
	slices.Sort(allowed)

	var errs []error
	seen := map[string]bool{}
	for pair := range strings.SplitSeq(text, ",") {
		key, value, found := strings.Cut(strings.TrimSpace(pair), "=")
		set, known := keys[key]
		switch {
		case !found || !known:
			errs = append(errs, fmt.Errorf("%q: must be key=value with a key of %s", pair, strings.Join(allowed, ", ")))
		case seen[key]:
			errs = append(errs, fmt.Errorf("%s: given twice", key))
		default:
			seen[key] = true
			if err := set(value); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", key, err))
			}
		}
	}
	for _, k := range allowed {
		if !seen[k] && !slices.Contains(optional, k) {
			errs = append(errs, fmt.Errorf("%s: missing", k))
		}
	}
	return errors.Join(errs...)
}

func duration(into *time.Duration) func(string) error {
	return func(v string) (err error) {
		*into, err = time.ParseDuration(v)
		return err
	}
}

func number(into *float64) func(string) error {
	return func(v string) (err error) {
		if *into, err = strconv.ParseFloat(v, 64); err != nil {
			return fmt.Errorf("%q is not a number", v)
		}
		return nil
	}
}
