package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/prometheus/prometheus/util/junitxml"

	"github.com/foundation-os/otelcol-foundation/internal/rules/ruletest"
)

const rulesTestUsage = `Usage: foundationctl rules test [flags] FILE...

Runs unit tests of rule files, written for "promtool test rules", through the
engine and the store of the connector alert_rules.

Exit code: 0 all tests passed, 1 one failed or a file is wrong, 2 the command
line is wrong.

Flags:
`

// testRules runs unit tests.
func testRules(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	opt := ruletest.Options{Log: stderr}
	var run []string
	var junit string
	set := flag.NewFlagSet("foundationctl rules test", flag.ContinueOnError)
	set.Func("run", "run only the tests whose `name` matches this regular expression; may be repeated", func(s string) error {
		run = append(run, s)
		_, err := regexp.Compile(s)
		return err
	})
	set.BoolVar(&opt.Diff, "diff", false, "show the difference of expected and received alerts in colour")
	set.BoolVar(&opt.Debug, "debug", false, "show how long each test takes, and all samples at its end")
	set.BoolVar(&opt.IgnoreUnknownFields, "ignore-unknown-fields", false, "ignore unknown fields in rule files")
	set.StringVar(&junit, "junit", "", "write the results as JUnit XML to this `file`")
	files, err := filesAndFlags(set, args)
	if err == nil && len(files) == 0 {
		err = errors.New("needs at least one unit-test file")
	}
	if err == nil && len(run) > 0 {
		opt.Run, err = regexp.Compile(strings.Join(run, "|"))
	}
	if err != nil {
		return badCommandLine(set, rulesTestUsage, err, stdout, stderr)
	}

	code := exitOK
	var report junitxml.JUnitXML
	for _, f := range files {
		errs := testFile(ctx, f, opt, report.Suite(f))
		if len(errs) == 0 {
			fmt.Fprint(stdout, "  SUCCESS\n\n")
			continue
		}
		code = exitFail
		fmt.Fprintln(stderr, "  FAILED:")
		for _, err := range errs {
			fmt.Fprintf(stderr, "%v\n\n", err)
		}
		if ctx.Err() != nil {
			break
		}
	}
	if err := writeJUnit(junit, &report); err != nil {
		fmt.Fprintf(stderr, "foundationctl rules test: %v\n", err)
		return exitFail
	}
	return code
}

// testFile runs one file and returns all that is wrong.
func testFile(ctx context.Context, path string, opt ruletest.Options, suite *junitxml.TestSuite) []error {
	suite.Settime(time.Now().Format("2006-01-02T15:04:05"))
	cases, err := ruletest.File(ctx, path, opt)
	if err != nil {
		suite.Abort(err)
		return []error{err}
	}
	var errs []error
	for _, c := range cases {
		one := suite.Case(c.Name)
		for _, err := range c.Failures {
			one.Fail(err.Error())
		}
		errs = append(errs, c.Failures...)
	}
	return errs
}

func writeJUnit(path string, report *junitxml.JUnitXML) error {
	if path == "" {
		return nil
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(report.WriteXML(f), f.Close())
}
