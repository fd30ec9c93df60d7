package alertmanager

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/exporter"
	"go.uber.org/zap"

	"github.com/foundation-os/otelcol-foundation/exporter/alertmanager/internal/metadata"
	"github.com/foundation-os/otelcol-foundation/internal/httpreply"
)

const (
	// alertsPath is where an Alertmanager takes alerts.
	alertsPath = "/api/v2/alerts"
	// maxReply bounds what is read of a reply.
	maxReply = 64 << 10
	// grace is how long a message that one Alertmanager took waits for the others.
	// Those of a healthy cluster answer within milliseconds.
	grace = 250 * time.Millisecond
)

// fleet is the Alertmanagers of one cluster. A message goes to all at the same
// time and counts as delivered when one took it, as in Prometheus: the others get
// it with the next re-send. One that hangs holds up nobody: it has at most one
// request under way, and is left out until that one ends.
type fleet struct {
	client    confighttp.ClientConfig
	settings  component.TelemetrySettings
	telemetry *metadata.TelemetryBuilder
	agent     string
	members   []*member
	http      *http.Client

	life    context.Context // of the requests that nobody waits for any more
	end     context.CancelFunc
	running sync.WaitGroup
}

type member struct {
	url, name string
	turn      chan struct{} // held by the request under way
	complaint complaint
}

// outcome is what the replies mean for the alerts, the better the lower.
type outcome uint8

const (
	delivered outcome = iota
	later             // try again after a while
	divisible         // something in it is bad, or it is too large
	refused           // trying again will not help
	unknown           // nobody has answered yet
)

type reply struct {
	outcome outcome
	err     error
	after   time.Duration // the pause that the server asks for
}

func newFleet(cfg *Config, set exporter.Settings, tb *metadata.TelemetryBuilder) *fleet {
	f := &fleet{
		client: cfg.ClientConfig, settings: set.TelemetrySettings, telemetry: tb,
		agent: set.BuildInfo.Command + "/" + set.BuildInfo.Version,
	}
	for _, e := range cfg.Endpoints {
		m := &member{url: base(e) + alertsPath, name: base(e), turn: make(chan struct{}, 1)}
		if u, err := url.Parse(base(e)); err == nil {
			m.name = u.Host + u.Path
		}
		f.members = append(f.members, m)
	}
	return f
}

func (f *fleet) start(ctx context.Context, host component.Host) error {
	var err error
	f.client.Compression = "" // or the client says "none" in a header
	if f.http, err = f.client.ToClient(ctx, host.GetExtensions(), f.settings); err != nil {
		return err
	}
	// A redirected POST becomes a GET without body, whose 200 would look like a delivery.
	f.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	f.life, f.end = context.WithCancel(context.Background())
	return nil
}

// shutdown ends what is still under way; nobody waits for it.
func (f *fleet) shutdown() {
	if f.http == nil {
		return
	}
	f.end()
	f.running.Wait()
	f.http.CloseIdleConnections()
}

// post sends a body to all members and returns the best reply.
func (f *fleet) post(ctx context.Context, body []byte) reply {
	queue, leave := context.WithCancel(ctx)
	defer leave()
	replies := make(chan reply, len(f.members))
	for _, m := range f.members {
		f.running.Go(func() { replies <- f.postTo(queue, m, body) })
	}
	best := reply{outcome: unknown}
	var enough <-chan time.Time
	for range f.members {
		select {
		case r := <-replies:
			best = better(best, r)
		case <-enough:
			return best
		case <-ctx.Done():
			return better(best, reply{outcome: later, err: ctx.Err()})
		}
		if best.outcome == delivered && enough == nil {
			timer := time.NewTimer(grace)
			defer timer.Stop()
			enough = timer.C
		}
	}
	return best
}

func better(a, b reply) reply {
	if a.outcome == later && b.outcome == later {
		a.after = max(a.after, b.after)
		return a
	}
	if b.outcome < a.outcome {
		return b
	}
	return a
}

// postTo waits for the member's turn, as long as somebody queues, and posts.
// Once it does, only the client's timeout ends it, or the fleet.
func (f *fleet) postTo(queue context.Context, m *member, body []byte) reply {
	select {
	case m.turn <- struct{}{}:
		defer func() { <-m.turn }()
	case <-queue.Done():
		f.count(m, "busy")
		return reply{outcome: later, err: queue.Err()} // of those that somebody still reads, the caller gave up
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(queue)) // with what an authenticator reads in it
	defer cancel()
	defer context.AfterFunc(f.life, cancel)()
	r := f.request(ctx, m, body)
	if r.outcome != delivered && f.life.Err() == nil {
		m.complaint.log(f.settings.Logger, time.Now(), "an Alertmanager did not take alerts, see otelcol_alertmanager_requests", r.err)
	}
	return r
}

func (f *fleet) request(ctx context.Context, m *member, body []byte) reply {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, m.url, bytes.NewReader(body))
	if err != nil {
		return reply{outcome: refused, err: err}
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", f.agent)
	resp, err := f.http.Do(req)
	if err != nil {
		f.count(m, "network")
		return reply{outcome: later, err: fmt.Errorf("request to Alertmanager: %w", err)}
	}
	text, _ := io.ReadAll(io.LimitReader(resp.Body, maxReply))
	_ = resp.Body.Close()
	f.count(m, strconv.Itoa(resp.StatusCode))
	r := reply{outcome: meaning(resp.StatusCode)}
	if r.outcome == delivered {
		return r
	}
	if r.outcome == later {
		r.after = httpreply.Pause(resp.Header, time.Now(), "Retry-After")
	}
	r.err = fmt.Errorf("%s answered %d: %s", m.name, resp.StatusCode, httpreply.Excerpt(string(text), ""))
	return r
}

func (f *fleet) count(m *member, outcome string) {
	f.telemetry.AlertmanagerRequests.Add(context.Background(), 1, with("endpoint", m.name, "outcome", outcome))
}

func meaning(code int) outcome {
	switch code {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		return divisible
	case http.StatusRequestTimeout, http.StatusTooManyRequests:
		return later
	}
	switch {
	case code >= 200 && code < 300:
		return delivered
	case code >= 500:
		return later
	}
	return refused
}

// complaint logs why alerts were not taken, at most once a minute.
type complaint struct {
	mu   sync.Mutex
	last time.Time
}

func (c *complaint) log(logger *zap.Logger, now time.Time, text string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.last.IsZero() && now.Sub(c.last) < time.Minute {
		return
	}
	c.last = now
	logger.Warn(text, zap.Error(err))
}
