// Command skipcheck fails when a test was skipped that is not on the list of
// allowed skips, or when the list holds a line without a reason. In CI nothing
// that matters may be skipped.
//
//	skipcheck -allowed .ci/allowed-skips run.json [run.json ...]
//
// Each run.json is the event stream of `go test -json`. A line of the list is
// `package/pattern TestName/pattern  # reason`, both as path.Match patterns.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
)

type event struct{ Action, Package, Test, Output string }

type rule struct{ pkg, test string }

func main() {
	allowed := flag.String("allowed", "", "file with the allowed skips")
	flag.Parse()
	if err := run(*allowed, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(allowed string, files []string) error {
	if len(files) == 0 {
		return errors.New("skipcheck: no event stream given")
	}
	rules, err := readRules(allowed)
	if err != nil {
		return err
	}
	var errs []error
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		skipped, tests, err := readSkips(f)
		f.Close()
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if tests == 0 {
			errs = append(errs, fmt.Errorf("%s: no test ran", name))
		}
		for _, s := range skipped {
			if !matches(rules, s) {
				errs = append(errs, fmt.Errorf("skipped, and %s does not allow it: %s %s\n%s", allowed, s.Package, s.Test, strings.TrimRight(s.Output, "\n")))
			}
		}
	}
	return errors.Join(errs...)
}

func readRules(name string) ([]rule, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var rules []rule
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		text := strings.TrimSpace(lines.Text())
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		what, reason, _ := strings.Cut(text, "#")
		fields := strings.Fields(what)
		if len(fields) != 2 || strings.TrimSpace(reason) == "" {
			return nil, fmt.Errorf("%s:%d: %q: want `package test # reason`", name, n, text)
		}
		rules = append(rules, rule{fields[0], fields[1]})
	}
	return rules, lines.Err()
}

func readSkips(r io.Reader) (skipped []event, tests int, err error) {
	output := map[string]string{}
	dec := json.NewDecoder(r)
	for {
		var e event
		if err := dec.Decode(&e); errors.Is(err, io.EOF) {
			return skipped, tests, nil
		} else if err != nil {
			return nil, 0, err
		}
		if e.Test == "" {
			continue // a package without tests reports itself as skipped
		}
		key := e.Package + " " + e.Test
		switch e.Action {
		case "output":
			output[key] += e.Output
		case "pass", "fail":
			tests++
			delete(output, key)
		case "skip":
			tests++
			e.Output = output[key]
			skipped = append(skipped, e)
		}
	}
}

func matches(rules []rule, e event) bool {
	for _, r := range rules {
		pkg, _ := path.Match(r.pkg, strings.TrimPrefix(e.Package, "github.com/foundation-os/otelcol-foundation/"))
		test, _ := path.Match(r.test, e.Test)
		if pkg && test {
			return true
		}
	}
	return false
}
