package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/foundation-os/otelcol-foundation/internal/rules"
)

// exitLint is promtool's exit code of a file that is valid and that --lint-fatal
// refuses.
const exitLint = 3

const rulesCheckUsage = `Usage: foundationctl rules check [flags] [FILE...]

Validates Prometheus rule files as the connector alert_rules loads them: all that
is wrong, each with file, group and rule. Without files it reads standard input.

Exit code: 0 all files are valid, 1 one is not, 2 the command line is wrong, 3
a rule is there twice and --lint-fatal is set.

Flags:
`

// checkRules validates rule files.
func checkRules(args []string, stdout, stderr io.Writer) int {
	var opt rules.Options
	lint := "duplicate-rules"
	var fatal bool
	set := flag.NewFlagSet("foundationctl rules check", flag.ContinueOnError)
	set.Func("lint", "`what` to look for beyond errors: all, duplicate-rules (default), none", func(s string) error {
		switch s {
		case "all", "duplicate-rules", "none":
			lint = s
			return nil
		}
		return errors.New("must be all, duplicate-rules or none")
	})
	set.BoolVar(&fatal, "lint-fatal", false, "exit with 3 when lint finds something")
	set.BoolVar(&opt.IgnoreUnknownFields, "ignore-unknown-fields", false, "ignore unknown fields in rule files")
	files, err := filesAndFlags(set, args)
	if err != nil {
		return badCommandLine(set, rulesCheckUsage, err, stdout, stderr)
	}

	failed, found := false, false
	check := func(name string, content []byte, err error) {
		var groups []*rules.Group
		if err == nil {
			groups, err = rules.Load(name, content, opt)
		}
		n, twice := rules.Duplicates(groups)
		switch {
		case err != nil:
			failed = true
			fmt.Fprintf(stderr, "  FAILED:\n%v\n\n", err)
		case lint != "none" && len(twice) > 0:
			found = true
			fmt.Fprint(stderr, "  FAILED:\n")
			writeDuplicates(stderr, twice)
		default:
			fmt.Fprintf(stdout, "  SUCCESS: %d rules found\n\n", n)
		}
	}
	for _, f := range files {
		fmt.Fprintln(stdout, "Checking", f)
		content, err := os.ReadFile(f)
		check(f, content, err)
	}
	if len(files) == 0 {
		fmt.Fprintln(stdout, "Checking standard input")
		content, err := io.ReadAll(os.Stdin)
		check("standard input", content, err)
	}
	switch {
	case failed:
		return exitFail
	case found && fatal:
		return exitLint
	}
	return exitOK
}

// writeDuplicates writes what promtool writes.
func writeDuplicates(w io.Writer, twice []rules.Named) {
	fmt.Fprintf(w, "lint error %d duplicate rule(s) found.\n", len(twice))
	for _, d := range twice {
		fmt.Fprintf(w, "Metric: %s\nLabel(s):\n", d.Name)
		d.Labels.Range(func(l labels.Label) { fmt.Fprintf(w, "\t%s: %s\n", l.Name, l.Value) })
	}
	fmt.Fprint(w, "Might cause inconsistency while recording expressions\n\n")
}
