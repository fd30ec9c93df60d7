package goldentest

import (
	"flag"
	"os"
	"path/filepath"
	"sort"
	"testing"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/golden"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/pdatatest/plogtest"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/pdatatest/pmetrictest"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/pdatatest/ptracetest"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/confmaptest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

var update = flag.Bool("update", false, "write output.yaml of the golden folders from what came out")

// Case is one golden folder.
type Case struct {
	Name string // the folder's name
	dir  string
}

// Run calls f as a subtest for each folder below root that holds an input. It
// fails when there is none, so that a moved folder cannot turn a suite green.
func Run(t *testing.T, root string, f func(t *testing.T, c Case)) {
	t.Helper()
	inputs, err := filepath.Glob(filepath.Join(root, "*", "input*.yaml"))
	require.NoError(t, err)
	require.NotEmpty(t, inputs, "no golden folder below %s", root)
	seen := map[string]bool{}
	for _, in := range inputs {
		dir := filepath.Dir(in)
		if seen[dir] {
			continue
		}
		seen[dir] = true
		c := Case{Name: filepath.Base(dir), dir: dir}
		t.Run(c.Name, func(t *testing.T) { f(t, c) })
	}
}

// Config merges the case's config.yaml, if any, into cfg (the factory's
// default) the way the collector does: unknown keys are errors, Validate is
// called.
func (c Case) Config(t *testing.T, cfg any) {
	t.Helper()
	path := filepath.Join(c.dir, "config.yaml")
	if _, err := os.Stat(path); err == nil {
		conf, err := confmaptest.LoadConf(path)
		require.NoError(t, err)
		require.NoError(t, conf.Unmarshal(cfg))
	}
	require.NoError(t, confmap.Validate(cfg))
}

// Path names a file of the case.
func (c Case) Path(name string) string { return filepath.Join(c.dir, name) }

func (c Case) inputs(t *testing.T) []string {
	t.Helper()
	paths, err := filepath.Glob(c.Path("input*.yaml"))
	require.NoError(t, err)
	sort.Strings(paths)
	return paths
}

// Traces reads the input batches.
func (c Case) Traces(t *testing.T) []ptrace.Traces { return read(t, c, golden.ReadTraces) }

// Logs reads the input batches.
func (c Case) Logs(t *testing.T) []plog.Logs { return read(t, c, golden.ReadLogs) }

// Metrics reads the input batches.
func (c Case) Metrics(t *testing.T) []pmetric.Metrics { return read(t, c, golden.ReadMetrics) }

func read[T any](t *testing.T, c Case, load func(string) (T, error)) []T {
	t.Helper()
	var batches []T
	for _, p := range c.inputs(t) {
		b, err := load(p)
		require.NoError(t, err, p)
		batches = append(batches, b)
	}
	return batches
}

// ExpectTraces compares the batches that came out, joined, with output.yaml.
func (c Case) ExpectTraces(t *testing.T, got []ptrace.Traces, opts ...ptracetest.CompareTracesOption) {
	t.Helper()
	all := ptrace.NewTraces()
	for _, b := range got {
		b.ResourceSpans().MoveAndAppendTo(all.ResourceSpans())
	}
	expect(t, c, all, golden.ReadTraces, golden.WriteTracesToFile, func(want, got ptrace.Traces) error {
		return ptracetest.CompareTraces(want, got, opts...)
	})
}

// ExpectLogs compares the batches that came out, joined, with output.yaml.
func (c Case) ExpectLogs(t *testing.T, got []plog.Logs, opts ...plogtest.CompareLogsOption) {
	t.Helper()
	all := plog.NewLogs()
	for _, b := range got {
		b.ResourceLogs().MoveAndAppendTo(all.ResourceLogs())
	}
	expect(t, c, all, golden.ReadLogs, golden.WriteLogsToFile, func(want, got plog.Logs) error {
		return plogtest.CompareLogs(want, got, opts...)
	})
}

// ExpectMetrics compares the batches that came out, joined, with output.yaml.
func (c Case) ExpectMetrics(t *testing.T, got []pmetric.Metrics, opts ...pmetrictest.CompareMetricsOption) {
	t.Helper()
	all := pmetric.NewMetrics()
	for _, b := range got {
		b.ResourceMetrics().MoveAndAppendTo(all.ResourceMetrics())
	}
	write := func(path string, m pmetric.Metrics) error {
		return golden.WriteMetricsToFile(path, m, golden.SkipMetricTimestampNormalization())
	}
	expect(t, c, all, golden.ReadMetrics, write, func(want, got pmetric.Metrics) error {
		return pmetrictest.CompareMetrics(want, got, opts...)
	})
}

func expect[T any](t *testing.T, c Case, got T, load func(string) (T, error), write func(string, T) error, compare func(want, got T) error) {
	t.Helper()
	path := c.Path("output.yaml")
	if *update {
		require.NoError(t, write(path, got))
		t.Logf("wrote %s", path)
		return
	}
	want, err := load(path)
	require.NoError(t, err)
	if err := compare(want, got); err != nil {
		actual := filepath.Join(t.TempDir(), "actual.yaml")
		require.NoError(t, write(actual, got))
		text, _ := os.ReadFile(actual)
		t.Fatalf("%s: %v\nwhat came out:\n%s", path, err, text)
	}
}
