package ruletest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"go.yaml.in/yaml/v3"
)

// defaultInterval of evaluations and samples where a file names none.
const defaultInterval = model.Duration(time.Minute)

// file is a unit-test file as promtool reads it.
type file struct {
	RuleFiles          []string       `yaml:"rule_files"`
	EvaluationInterval model.Duration `yaml:"evaluation_interval"`
	GroupEvalOrder     []string       `yaml:"group_eval_order"`
	FuzzyCompare       bool           `yaml:"fuzzy_compare"`
	Tests              []test         `yaml:"tests"`
}

// test is one set of input series with what is expected of it.
type test struct {
	Name            string         `yaml:"name"`
	Interval        model.Duration `yaml:"interval"`
	StartTimestamp  start          `yaml:"start_timestamp"`
	ExternalLabels  labels.Labels  `yaml:"external_labels"`
	ExternalURL     string         `yaml:"external_url"`
	InputSeries     []inputSeries  `yaml:"input_series"`
	AlertRuleTests  []alertTest    `yaml:"alert_rule_test"`
	PromqlExprTests []exprTest     `yaml:"promql_expr_test"`
}

type inputSeries struct {
	Series string `yaml:"series"`
	Values string `yaml:"values"`
}

type alertTest struct {
	EvalTime  model.Duration  `yaml:"eval_time"`
	Alertname string          `yaml:"alertname"`
	ExpAlerts []expectedAlert `yaml:"exp_alerts"`
}

type expectedAlert struct {
	ExpLabels      map[string]string `yaml:"exp_labels"`
	ExpAnnotations map[string]string `yaml:"exp_annotations"`
}

type exprTest struct {
	Expr       string           `yaml:"expr"`
	EvalTime   model.Duration   `yaml:"eval_time"`
	ExpSamples []expectedSample `yaml:"exp_samples"`
}

type expectedSample struct {
	Labels    string  `yaml:"labels"`
	Value     float64 `yaml:"value"`
	Histogram string  `yaml:"histogram"` // when set, Value is ignored
}

// start is a point in time: Unix seconds or RFC 3339.
type start struct{ time.Time }

// UnmarshalYAML implements yaml.Unmarshaler.
func (s *start) UnmarshalYAML(n *yaml.Node) error {
	if seconds, err := strconv.ParseFloat(n.Value, 64); err == nil {
		whole, part := math.Modf(seconds)
		s.Time = time.Unix(int64(whole), int64(part*1e9)).UTC()
		return nil
	}
	t, err := time.Parse(time.RFC3339Nano, n.Value)
	if err != nil {
		return fmt.Errorf("line %d: start_timestamp: %q is no time, must be Unix seconds or RFC 3339", n.Line, n.Value)
	}
	s.Time = t
	return nil
}

// read reads a test file and finds its rule files; warn gets each pattern that
// matches none.
func read(path string, warn func(pattern string)) (*file, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var f file
	dec := yaml.NewDecoder(bytes.NewReader(content))
	dec.KnownFields(true)
	if err := dec.Decode(&f); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if f.EvaluationInterval == 0 {
		f.EvaluationInterval = defaultInterval
	}
	for i := range f.Tests {
		if f.Tests[i].Interval == 0 {
			f.Tests[i].Interval = f.EvaluationInterval
		}
	}
	seen := map[string]bool{}
	for _, name := range f.GroupEvalOrder {
		if seen[name] {
			return nil, fmt.Errorf("group name repeated in evaluation order: %s", name)
		}
		seen[name] = true
	}
	f.RuleFiles, err = glob(filepath.Dir(path), f.RuleFiles, warn)
	return &f, err
}

// glob expands patterns, which are relative to the test file. A file that two
// of them match is one file.
func glob(dir string, patterns []string, warn func(string)) ([]string, error) {
	var all []string
	for _, p := range patterns {
		if p != "" && !filepath.IsAbs(p) {
			p = filepath.Join(dir, p)
		}
		matched, err := filepath.Glob(p)
		if err != nil {
			return nil, fmt.Errorf("rule_files: %q: %w", p, err)
		}
		if len(matched) == 0 {
			warn(p)
		}
		for _, m := range matched {
			if !slices.Contains(all, m) {
				all = append(all, m)
			}
		}
	}
	return all, nil
}

// end is the time of the last expectation, from the start.
func (t *test) end() time.Duration {
	var last model.Duration
	for _, a := range t.AlertRuleTests {
		last = max(last, a.EvalTime)
	}
	for _, e := range t.PromqlExprTests {
		last = max(last, e.EvalTime)
	}
	return time.Duration(last)
}

// begin is when the first sample lies and the first evaluation happens.
func (t *test) begin() time.Time {
	if t.StartTimestamp.IsZero() {
		return time.Unix(0, 0).UTC()
	}
	return t.StartTimestamp.Time
}
