package e2e

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// prometheus is a real Prometheus server (Debian's package) that scrapes the
// collector every second.
type prometheus struct{ api string }

func startPrometheus(t *testing.T, c *collector) *prometheus {
	t.Helper()
	bin := tool(t, "prometheus")
	addr := freePorts(t, 1)[0]
	dir := t.TempDir()
	config := filepath.Join(dir, "prometheus.yml")
	// honor_labels: job and instance of the exposed series are the sender's, as
	// for anything that passes on what others measured.
	require.NoError(t, os.WriteFile(config, fmt.Appendf(nil, `
global: {scrape_interval: 1s}
scrape_configs:
  - job_name: collector
    honor_labels: true
    static_configs: [{targets: [%q]}]
`, c.prometheus), 0o600))
	cmd := exec.Command(bin, "--config.file="+config, "--storage.tsdb.path="+filepath.Join(dir, "data"),
		"--web.listen-address="+addr, "--log.level=warn")
	output := &logBuffer{}
	cmd.Stdout, cmd.Stderr = output, output
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("Prometheus said:\n%s", output.tail(4000))
		}
	})
	p := &prometheus{api: "http://" + addr + "/api/v1/"}
	eventually(t, 30*time.Second, func() error {
		resp, err := http.Get("http://" + addr + "/-/ready")
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("not ready: %s", resp.Status)
		}
		return nil
	})
	return p
}

// series is one element of a query's result.
type series struct {
	Metric map[string]string
	Value  float64
}

func (p *prometheus) query(expr string) ([]series, error) {
	var result []struct {
		Metric map[string]string
		Value  [2]any
	}
	var answer struct {
		Data struct{ Result any }
	}
	answer.Data.Result = &result
	if err := p.get("query?query="+url.QueryEscape(expr), &answer); err != nil {
		return nil, err
	}
	out := make([]series, len(result))
	for i, r := range result {
		text, _ := r.Value[1].(string)
		v, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", expr, err)
		}
		out[i] = series{r.Metric, v}
	}
	return out, nil
}

// metricType is what the scraped metric said of itself.
func (p *prometheus) metricType(name string) (string, error) {
	var answer struct {
		Data map[string][]struct{ Type string }
	}
	if err := p.get("metadata?metric="+url.QueryEscape(name), &answer); err != nil {
		return "", err
	}
	if len(answer.Data[name]) == 0 {
		return "", fmt.Errorf("no metadata of %s", name)
	}
	return answer.Data[name][0].Type, nil
}

func (p *prometheus) get(path string, into any) error {
	resp, err := http.Get(p.api + path)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", path, resp.Status)
	}
	return json.NewDecoder(resp.Body).Decode(into)
}

// sumBy adds up a metric over all labels but these and keys it by their values.
func (p *prometheus) sumBy(metric string, by []string) (map[string]float64, error) {
	result, err := p.query(fmt.Sprintf("sum by (%s) (%s)", strings.Join(by, ", "), metric))
	if err != nil {
		return nil, err
	}
	out := map[string]float64{}
	for _, s := range result {
		out[labelKey(s.Metric)] = s.Value
	}
	return out, nil
}

// labelKey is a label set in a form that can be compared and read.
func labelKey(labels map[string]string) string {
	var parts []string
	for k, v := range labels {
		parts = append(parts, fmt.Sprintf("%s=%q", k, v))
	}
	sort.Strings(parts)
	return "{" + strings.Join(parts, ", ") + "}"
}

// sameValues compares two sets of series. Counts must be equal; a sum of
// durations only up to the last digits, since floats are not added in the same
// order.
func sameValues(what string, want, got map[string]float64, exact bool) error {
	var wrong []string
	for k, w := range want {
		g, ok := got[k]
		switch {
		case !ok:
			wrong = append(wrong, fmt.Sprintf("%s is missing, want %v", k, w))
		case exact && g != w, math.Abs(g-w) > 1e-6*math.Max(1, math.Abs(w)):
			wrong = append(wrong, fmt.Sprintf("%s is %v, want %v", k, g, w))
		}
	}
	for k, g := range got {
		if _, ok := want[k]; !ok {
			wrong = append(wrong, fmt.Sprintf("%s = %v was not expected", k, g))
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	sort.Strings(wrong)
	return fmt.Errorf("%s:\n\t%s", what, strings.Join(wrong, "\n\t"))
}
