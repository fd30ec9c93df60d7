package datadogfoundation

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/config/configcompression"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/foundation-os/otelcol-foundation/exporter/datadogfoundation/internal/metadata"
	"github.com/foundation-os/otelcol-foundation/internal/httpreply"
)

// maxReply bounds what is read of a reply.
const maxReply = 64 << 10

// client posts to Datadog. It alone knows the key.
type client struct {
	cfg       *Config
	settings  component.TelemetrySettings
	telemetry *metadata.TelemetryBuilder
	agent     string
	base      string
	http      *http.Client
	host      component.Host
	key       atomic.Pointer[string]
	refused   atomic.Bool // the last answer was 401 or 403
}

// outcome is what a reply means for the data.
type outcome uint8

const (
	delivered outcome = iota
	tooLarge          // 413: send less at once
	rejected          // 400: something in it is bad
	later             // try again after a while
	unauthorized
	refused // any other answer: trying again will not help
)

type reply struct {
	outcome outcome
	err     error
	after   time.Duration // the pause that the server asks for
}

func newClient(cfg *Config, set component.TelemetrySettings, build component.BuildInfo, tb *metadata.TelemetryBuilder) *client {
	base := cfg.ClientConfig.Endpoint
	if base == "" {
		base = "https://api." + cfg.API.Site
	}
	return &client{
		cfg: cfg, settings: set, telemetry: tb,
		agent: build.Command + "/" + build.Version,
		base:  strings.TrimRight(base, "/"),
	}
}

func (c *client) start(ctx context.Context, host component.Host) error {
	key, err := c.cfg.API.read()
	if err != nil {
		return err
	}
	c.key.Store(&key)
	hc := c.cfg.ClientConfig
	hc.Compression = "" // the splitter has compressed already
	hc.CompressionParams = configcompression.CompressionParams{}
	if c.http, err = hc.ToClient(ctx, host.GetExtensions(), c.settings); err != nil {
		return err
	}
	// A redirected POST becomes a GET without body, whose 200 would look like a
	// delivery, and the key would travel to another host.
	c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c.host = host
	if !c.cfg.API.FailOnInvalidKey {
		return nil
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+"/api/v1/validate", nil)
	if err != nil {
		return err
	}
	if r := c.do(req, "validate"); r.outcome == unauthorized {
		return fmt.Errorf("api.key: %w", r.err)
	}
	return nil
}

func (c *client) shutdown() {
	if c.http != nil {
		c.http.CloseIdleConnections()
	}
}

// post sends one body. When the key is refused and key_file holds another by
// now, it tries once more with that.
func (c *client) post(ctx context.Context, endpoint, path, contentType, encoding string, body []byte) reply {
	for reloaded := false; ; reloaded = true {
		used := *c.key.Load()
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+path, bytes.NewReader(body))
		if err != nil {
			return reply{outcome: refused, err: err}
		}
		req.Header.Set("Content-Type", contentType)
		if encoding != "" {
			req.Header.Set("Content-Encoding", encoding)
		}
		r := c.do(req, endpoint)
		c.telemetry.DatadogFoundationPayloadSize.Add(ctx, int64(len(body)), with("endpoint", endpoint))
		if r.outcome == unauthorized && !reloaded && c.reload(used) {
			continue
		}
		c.report(r)
		return r
	}
}

// reload reads key_file again and says whether there is another key now.
func (c *client) reload(used string) bool {
	if c.cfg.API.KeyFile == "" {
		return false
	}
	key, err := c.cfg.API.read()
	if err != nil || key == used {
		return false
	}
	c.key.Store(&key)
	return true
}

// report tells the collector's health about a key that is refused, and when it
// is accepted again.
func (c *client) report(r reply) {
	switch r.outcome {
	case unauthorized:
		if !c.refused.Swap(true) {
			componentstatus.ReportStatus(c.host, componentstatus.NewRecoverableErrorEvent(r.err))
		}
	case delivered:
		if c.refused.Swap(false) {
			componentstatus.ReportStatus(c.host, componentstatus.NewEvent(componentstatus.StatusOK))
		}
	}
}

func (c *client) do(req *http.Request, endpoint string) reply {
	key := *c.key.Load()
	req.Header.Set("DD-API-KEY", key)
	req.Header.Set("User-Agent", c.agent)
	resp, err := c.http.Do(req)
	if err != nil {
		c.count(req.Context(), endpoint, "network")
		// The error names the URL, which holds no secret.
		return reply{outcome: later, err: fmt.Errorf("request to Datadog: %w", err)}
	}
	text, _ := io.ReadAll(io.LimitReader(resp.Body, maxReply))
	_ = resp.Body.Close()
	c.count(req.Context(), endpoint, strconv.Itoa(resp.StatusCode))
	r := reply{outcome: meaning(resp.StatusCode)}
	switch r.outcome {
	case delivered:
		c.partial(req.Context(), text)
		return r
	case later:
		r.after = httpreply.Pause(resp.Header, time.Now(), "Retry-After", "X-RateLimit-Reset")
	}
	r.err = fmt.Errorf("%s: Datadog answered %d: %s", req.URL.Path, resp.StatusCode, httpreply.Excerpt(string(text), key))
	return r
}

func (c *client) count(ctx context.Context, endpoint, outcome string) {
	c.telemetry.DatadogFoundationPayloads.Add(ctx, 1, metric.WithAttributeSet(attribute.NewSet(
		attribute.String("endpoint", endpoint), attribute.String("outcome", outcome))))
}

// partial counts the errors listed in the answer to an accepted request.
func (c *client) partial(ctx context.Context, text []byte) {
	var body struct {
		Errors []json.RawMessage `json:"errors"`
	}
	if json.Unmarshal(text, &body) == nil && len(body.Errors) > 0 {
		c.telemetry.DatadogFoundationIntakeErrors.Add(ctx, int64(len(body.Errors)))
	}
}

func meaning(code int) outcome {
	switch {
	case code >= 200 && code < 300:
		return delivered
	case code == http.StatusRequestEntityTooLarge:
		return tooLarge
	case code == http.StatusBadRequest:
		return rejected
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		return unauthorized
	case code == http.StatusRequestTimeout, code == http.StatusTooManyRequests, code >= 500:
		return later
	}
	return refused
}
