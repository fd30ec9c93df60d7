package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
)

const rulesUsage = `Usage: foundationctl rules <command> [flags] FILE...

Commands:
  test       run unit tests of rule files
  check      validate rule files

foundationctl rules <command> --help lists the command's flags.
`

// ruleFiles is the subcommand rules.
func ruleFiles(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		fmt.Fprint(stderr, rulesUsage)
		return exitUsage
	}
	switch args[0] {
	case "test":
		return testRules(ctx, args[1:], stdout, stderr)
	case "check":
		return checkRules(args[1:], stdout, stderr)
	case "help", "-h", "-help", "--help":
		fmt.Fprint(stdout, rulesUsage)
		return exitOK
	}
	fmt.Fprintf(stderr, "foundationctl rules: unknown command %q\n\n%s", args[0], rulesUsage)
	return exitUsage
}

// filesAndFlags reads flags before, between and after files, as promtool does.
func filesAndFlags(set *flag.FlagSet, args []string) (files []string, err error) {
	set.SetOutput(io.Discard)
	for {
		if err := set.Parse(args); err != nil {
			return nil, err
		}
		if set.NArg() == 0 {
			return files, nil
		}
		files, args = append(files, set.Arg(0)), set.Args()[1:]
	}
}

// badCommandLine tells what is wrong with a command line, or what it may be, and
// returns the exit code.
func badCommandLine(set *flag.FlagSet, usage string, err error, stdout, stderr io.Writer) int {
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(stdout, usage)
		set.SetOutput(stdout)
		set.PrintDefaults()
		return exitOK
	}
	for line := range strings.SplitSeq(err.Error(), "\n") {
		fmt.Fprintf(stderr, "%s: %s\n", set.Name(), line)
	}
	fmt.Fprintf(stderr, "%s --help lists the flags.\n", set.Name())
	return exitUsage
}
