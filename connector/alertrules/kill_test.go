package alertrules

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/extension/storage/filestorage"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// Environment of the process that is killed.
const (
	killFolder = "ALERT_RULES_KILL_FOLDER"
	killAfter  = "ALERT_RULES_KILL_AFTER" // of its start or, with a minus, of its first step; empty = never
	killEnd    = "ALERT_RULES_KILL_END"   // the last step; 0 = none
)

// killRules have every kind of state: for, keep_firing_for, chains, windows,
// event rules with and without an end of their own.
const killRules = `
groups:
- name: recorded
  rules:
  - {record: kpi, expr: 'sum by (i) (last_over_time(m[20s]))'}
- name: alerts
  rules:
  - {alert: Now, expr: m > 5}
  - {alert: For, expr: kpi > 4, for: 20s}
  - {alert: Keep, expr: m > 7, keep_firing_for: 20s, annotations: {s: 'at {{ $value }}'}}
  - {alert: Burst, expr: 'increase(c[30s]) > 12'}
- name: chained
  rules:
  - {alert: Several, expr: 'count(ALERTS{alertname="Now", alertstate="firing"}) > 2'}
`

const killConfig = `
evaluation_interval: 10s
storage: file_storage
directory: FOLDER/samples
rule_files: [FOLDER/rules.yaml]
events:
  - {name: Open, condition: 'log.attributes["to"] == "open"', resolve: 'log.attributes["to"] == "closed"', group_by: [breaker]}
  - {name: Seen, condition: 'log.attributes["to"] == "open"', group_by: [breaker], expire_after: 25s}
`

// killed is a run of the process: a script of steps, ten seconds of its clock
// each, that goes on after every death with the step that was not finished.
type killed struct {
	folder string
	end    int
}

// value is what the script says of a series at a step: the same every time, and
// constant for some steps, so that alerts begin and end.
func (k *killed) value(kind string, series, step int) int {
	if k.end > 0 && step > k.end-15 {
		return 0 // at the end everything is over
	}
	r := rand.New(rand.NewPCG(uint64(len(kind)*1000+series), uint64(step/(2+series))))
	return r.IntN(11)
}

func (k *killed) metrics(step int, at time.Time) pmetric.Metrics {
	var ms, cs []point
	for i := range 4 {
		attrs := map[string]any{"i": i}
		ms = append(ms, point{v: float64(k.value("m", i, step)), attrs: attrs})
		cs = append(cs, point{v: float64(k.total(i, step)), attrs: attrs})
	}
	md := gauge(at, "m", ms...)
	sum(t0.Add(-time.Hour), at, pmetric.AggregationTemporalityCumulative, "c", cs...).ResourceMetrics().MoveAndAppendTo(md.ResourceMetrics())
	return md
}

func (k *killed) total(series, step int) (n int) {
	for s := range step + 1 {
		n += k.value("c", series, s)
	}
	return n
}

func (k *killed) logs(step int, at time.Time) []plog.Logs {
	var all []plog.Logs
	for i := range 3 {
		name := strconv.Itoa(i)
		was, is := k.value("breaker", i, step-1) > 5, k.value("breaker", i, step) > 5
		if is && !was {
			all = append(all, breakerLog(at.Add(-time.Second), name, "open"))
		} else if was && !is {
			all = append(all, breakerLog(at.Add(-time.Second), name, "closed"))
		}
	}
	return all
}

// toldFile writes one line for each event, and refuses now and then.
type toldFile struct {
	consumer.Logs
	file *os.File
	step *int
}

func (w toldFile) ConsumeLogs(_ context.Context, ld plog.Logs) error {
	if *w.step%7 == 3 {
		return errors.New("busy")
	}
	var b bytes.Buffer
	for _, lr := range ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().All() {
		a := lr.Attributes().AsRaw()
		fmt.Fprintln(&b, a["alert.state"], a["alert.id"], a["alert.episode.id"], strings.ReplaceAll(a["alert.rule.name"].(string), " ", "_"), a["alert.starts_at"], ".")
	}
	_, err := w.file.Write(b.Bytes())
	return err
}

// openAppend opens a file of lines. A kill can cut a write where a page ends: what
// is left of the line gets an end of its own.
func openAppend(t *testing.T, path string) *os.File {
	t.Helper()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
	require.NoError(t, err)
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	if len(b) > 0 && b[len(b)-1] != '\n' {
		_, err = f.WriteString("\n")
		require.NoError(t, err)
	}
	return f
}

// wholeLines are the fields of the lines that were not cut: those that end in a
// full stop.
func wholeLines(t *testing.T, path string) (lines [][]string) {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	for line := range strings.Lines(string(b)) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[len(fields)-1] == "." {
			lines = append(lines, fields[:len(fields)-1])
		}
	}
	return lines
}

// TestKilledProcess is no test: it is the process that TestKill starts and kills.
func TestKilledProcess(t *testing.T) {
	k := &killed{folder: os.Getenv(killFolder)}
	if k.folder == "" {
		return
	}
	k.end, _ = strconv.Atoi(os.Getenv(killEnd))
	after, err := strconv.Atoi(os.Getenv(killAfter))
	die := func() {
		time.Sleep(time.Duration(max(after, -after)) * time.Microsecond)
		p, _ := os.FindProcess(os.Getpid())
		_ = p.Kill()
	}
	if err == nil && after >= 0 {
		go die()
	}
	k.run(t, func() {
		if after < 0 {
			go die()
		}
	})
}

func (k *killed) run(t *testing.T, begun func()) {
	done := openAppend(t, filepath.Join(k.folder, "done"))
	defer done.Close()
	step := k.done(t)
	out := openAppend(t, filepath.Join(k.folder, "told"))
	defer out.Close()

	f := filestorage.NewFactory()
	fc := f.CreateDefaultConfig().(*filestorage.Config)
	fc.Directory, fc.CreateDirectory, fc.DirectoryPermissions = filepath.Join(k.folder, "storage"), true, "0750"
	require.NoError(t, fc.Validate())
	ext, err := f.Create(t.Context(), extension.Settings{ID: diskID, TelemetrySettings: componenttest.NewNopTelemetrySettings()}, fc)
	require.NoError(t, err)
	require.NoError(t, ext.Start(t.Context(), componenttest.NewNopHost()))
	defer func() { require.NoError(t, ext.Shutdown(context.Background())) }()

	at := func(step int) time.Time { return t0.Add(time.Duration(step) * 10 * time.Second) }
	w := newWorld()
	w.clock.t = at(step - 1).Add(time.Millisecond) // it is back at once
	w.host = hostWith{diskID: ext.(component.Component)}
	w.next = toldFile{file: out, step: &step}
	r := w.start(t, mustParse(t, strings.ReplaceAll(killConfig, "FOLDER", k.folder)))
	begun()
	for ; k.end == 0 || step <= k.end; step++ {
		w.clock.t = at(step)
		require.NoError(t, r.ml.ConsumeMetrics(t.Context(), k.metrics(step, at(step))))
		for _, ld := range k.logs(step, at(step)) {
			require.NoError(t, r.ll.ConsumeLogs(t.Context(), ld))
		}
		r.e.tick(t.Context())
		_, err := fmt.Fprintln(done, step, ".")
		require.NoError(t, err)
	}
	r.stop()
}

// done is the first step that was not finished.
func (k *killed) done(t *testing.T) int {
	lines := wholeLines(t, filepath.Join(k.folder, "done"))
	if len(lines) == 0 {
		return 1
	}
	step, err := strconv.Atoi(lines[len(lines)-1][0])
	require.NoError(t, err, "%v", lines)
	return step + 1
}

func newKilled(t *testing.T) *killed {
	k := &killed{folder: t.TempDir()}
	require.NoError(t, os.WriteFile(filepath.Join(k.folder, "rules.yaml"), []byte(killRules), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(k.folder, "done"), nil, 0o600))
	return k
}

// life runs the process until it dies or has done its work.
func (k *killed) life(t *testing.T, after string) (died bool) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestKilledProcess$", "-test.v")
	cmd.Env = append(os.Environ(), killFolder+"="+k.folder, killAfter+"="+after, killEnd+"="+strconv.Itoa(k.end))
	out, err := cmd.CombinedOutput()
	if err == nil {
		return false
	}
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit)
	require.False(t, exit.Exited(), "it must die of nothing but the kill:\n%s", out)
	return true
}

// episode is what was told of one episode.
type episode struct {
	id, episode, rule, start string
	triggered, resolved      int // lines of the first; 0 = none
}

func (k *killed) episodes(t *testing.T) (all []episode) {
	t.Helper()
	index := map[string]int{}
	for line, p := range wholeLines(t, filepath.Join(k.folder, "told")) {
		require.Len(t, p, 5, "line %d", line)
		i, known := index[p[2]]
		if !known {
			i = len(all)
			index[p[2]] = i
			all = append(all, episode{id: p[1], episode: p[2], rule: p[3], start: p[4]})
		}
		e := &all[i]
		require.Equal(t, p[1], e.id, "line %d: %v", line, p)
		switch {
		case p[0] == "firing" && e.triggered == 0:
			e.triggered = line + 1
		case p[0] == "resolved" && e.resolved == 0:
			e.resolved = line + 1
		}
	}
	return all
}

// However often and wherever the process is killed: the episodes are exactly
// those of a run without a kill, each was triggered and resolved, in this order,
// and none began while one of the same alert had not ended.
func TestKill(t *testing.T) {
	kills := 200
	if testing.Short() {
		kills = 20
	}
	if n, err := strconv.Atoi(os.Getenv("KILLS")); err == nil {
		kills = n
	}
	k := newKilled(t)
	for i := range kills {
		r := rand.New(rand.NewPCG(1, uint64(i))) // consecutive, whatever comes of them
		after := "-" + strconv.Itoa(1+r.IntN(60_000))
		if i%4 == 0 {
			after = strconv.Itoa(r.IntN(100_000)) // while it starts, too
		}
		require.True(t, k.life(t, after), "life %d", i)
	}
	k.end = k.done(t) + 60
	require.False(t, k.life(t, ""))

	quiet := newKilled(t)
	quiet.end = k.end
	require.False(t, quiet.life(t, ""))

	pairs := func(list []episode) []string {
		var all []string
		for _, e := range list {
			all = append(all, fmt.Sprint(e.id, " ", e.episode, " ", e.rule, " ", e.start))
		}
		slices.Sort(all)
		return all
	}
	got, want := k.episodes(t), quiet.episodes(t)
	t.Logf("%d kills, %d steps, %d episodes", kills, k.end, len(want))
	assert.Greater(t, len(want), 50)
	lost, extra := without(pairs(want), pairs(got)), without(pairs(got), pairs(want))
	assert.Empty(t, lost, "episodes of the run without a kill")
	assert.Empty(t, extra, "episodes that the run without a kill does not have")
	ended := map[string]int{} // by alert: the line at which its last episode ended
	for _, e := range got {
		assert.NotZero(t, e.triggered, "triggered: %+v", e)
		assert.NotZero(t, e.resolved, "resolved: %+v", e)
		assert.Less(t, e.triggered, e.resolved, "in this order: %+v", e)
		assert.Less(t, ended[e.id], e.triggered, "one after the other: %+v", e)
		ended[e.id] = max(ended[e.id], e.resolved)
	}
}

// without lists what is in a and not in b.
func without(a, b []string) (rest []string) {
	for _, s := range a {
		if _, there := slices.BinarySearch(b, s); !there {
			rest = append(rest, s)
		}
	}
	return rest
}
