package alertrules

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/foundation-os/otelcol-foundation/internal/rules"
)

// ruleText is a rule file as it was read.
type ruleText struct {
	path    string
	content []byte
}

func (c *Config) options() rules.Options {
	return rules.Options{Interval: c.EvaluationInterval, ExternalLabels: c.ExternalLabels, AlertsPerRule: c.Limits.AlertsPerRule}
}

// readRuleFiles reads the rule files and loads their groups.
func (c *Config) readRuleFiles() (files []ruleText, groups []*rules.Group, err error) {
	paths, errs := c.files()
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			errs = append(errs, fmt.Errorf("rule_files: %w", err))
			continue
		}
		files = append(files, ruleText{path, content})
	}
	groups, err = c.loadRuleFiles(files)
	return files, groups, errors.Join(append(errs, err)...)
}

func (c *Config) loadRuleFiles(files []ruleText) (groups []*rules.Group, err error) {
	var errs []error
	for _, f := range files {
		loaded, err := rules.Load(f.path, f.content, c.options())
		errs = append(errs, err)
		groups = append(groups, loaded...)
	}
	return groups, errors.Join(errs...)
}

// shortRules compiles the rules in the short form.
func (c *Config) shortRules() ([]*rules.Group, error) {
	if len(c.Rules) == 0 {
		return nil, nil
	}
	ts := make([]rules.Threshold, len(c.Rules))
	for i := range c.Rules {
		ts[i] = c.Rules[i].compileable()
	}
	g, err := rules.Compile("rules", "", "rules", ts, c.options())
	return []*rules.Group{g}, err
}

// files expands the globs, each file once.
func (c *Config) files() (files []string, errs []error) {
	for i, glob := range c.RuleFiles {
		matched, err := filepath.Glob(glob)
		if err != nil {
			errs = append(errs, fmt.Errorf("rule_files[%d]: %q is no legal pattern: %w", i, glob, err))
			continue
		}
		if len(matched) == 0 {
			errs = append(errs, fmt.Errorf("rule_files[%d]: %q matches no file, must match at least one", i, glob))
		}
		for _, f := range matched {
			if f = filepath.Clean(f); !slices.Contains(files, f) {
				files = append(files, f)
			}
		}
	}
	return files, errs
}
