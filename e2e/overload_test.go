package e2e

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
)

// overload adds what the test needs to the example for a container of 512 MiB: the
// limits, where there is no container to read them from, and a back-end that only
// counts.
const overload = `
processors:
  memory_limiter: {limit_percentage: %d, limit_mib: %d, spike_limit_percentage: %d, spike_limit_mib: %d}
exporters:
  otlp_grpc: {endpoint: "%s", tls: {insecure: true}, compression: none, timeout: 60s, retry_on_failure: {enabled: false}, sending_queue: {enabled: false}}
service:
  pipelines:
    traces/out: {exporters: [otlp_grpc]}
`

const containerMiB = 512

// Four times of what it can do, for as long as OVERLOAD says (make overload: ten
// minutes): the collector stays within its memory, refuses nothing, keeps the
// errors, and is back at its full rates within 30 s.
func TestOverload(t *testing.T) {
	lasting := 30 * time.Second
	if text := os.Getenv("OVERLOAD"); text != "" {
		var err error
		lasting, err = time.ParseDuration(text)
		require.NoError(t, err, "OVERLOAD")
	}
	back := startRawSink(t)
	group := newMemoryGroup(t, containerMiB<<20)
	// In a group the shipped limits are those of the group; without one they are
	// written out.
	config := fmt.Sprintf(overload, 80, 0, 20, 0, back.addr)
	if group == nil {
		config = fmt.Sprintf(overload, 0, containerMiB*80/100, 0, containerMiB*20/100, back.addr)
	}
	overlay := filepath.Join(t.TempDir(), "overload.yaml")
	require.NoError(t, os.WriteFile(overlay, []byte(config), 0o600))
	c := startCollectorUnder(t, group.command(), []string{"GOMEMLIMIT=300MiB"}, "examples/small/overlay.yaml", overlay)
	tr := newTraffic(t, 100, 1, 20)

	// Two senders that wait for each answer find out what it can do.
	load := &overloader{tr: tr, wire: newWire(c, 64)}
	closed := load.run(10*time.Second, 2, 0)
	require.Zero(t, closed.refused, "within capacity")
	capacity := float64(closed.accepted) / closed.took.Seconds()

	// 64 senders at four times of that. A sender waits for its answer, so one that
	// is held back sends less than it would: that is counted, too.
	var steps atomic.Int64
	watching := make(chan struct{})
	var watch sync.WaitGroup
	watch.Go(func() {
		for {
			select {
			case <-watching:
				return
			case <-time.After(500 * time.Millisecond):
				if f, err := c.factor(); err == nil && f < 1 {
					steps.Add(1)
				}
			}
		}
	})
	open := load.run(lasting, 64, 4*capacity)
	close(watching)
	watch.Wait()
	c.alive()
	// Then a tenth of what it can do.
	ended := time.Now()
	var calm *sentLoad
	var resting sync.WaitGroup
	resting.Go(func() { calm = load.run(30*time.Second, 64, capacity/10) })
	eventually(t, 30*time.Second, func() error {
		f, err := c.factor()
		if err == nil && f != 1 {
			err = fmt.Errorf("the factor is %v", f)
		}
		return err
	})
	recovered := time.Since(ended)
	resting.Wait()
	accepted := closed.accepted + open.accepted + calm.accepted
	eventually(t, 60*time.Second, func() error {
		n, err := c.own("otelcol_adaptive_sampler_items", map[string]string{"signal": "traces"})
		if err == nil && int64(n) != accepted {
			err = fmt.Errorf("%v of %v accepted spans are decided", n, accepted)
		}
		return err
	})
	peak := c.peakMemory()
	c.stop()

	errorsSent, errorsKept := closed.errors+open.errors+calm.errors, back.errors.Load()
	t.Logf("capacity %.0f spans/s; offered %.0f/s for %v: accepted %.0f/s, refused %.0f/s, held back %.0f/s; factor below 1 in %d readings, back after %v",
		capacity, 4*capacity, lasting, open.perSecond(open.accepted), open.perSecond(open.refused), open.perSecond(open.heldBack), steps.Load(), recovered.Round(time.Second))
	t.Logf("errors: %d accepted, %d kept (%.3f %%); peak memory %d MiB of %d; memory group: %v",
		errorsSent, errorsKept, 100*float64(errorsKept)/float64(errorsSent), peak>>20, containerMiB, group != nil)
	assert.Zero(t, open.refused+calm.refused, "refused: %v %v", open.reasons, calm.reasons)
	assert.GreaterOrEqual(t, float64(errorsKept), 0.99*float64(errorsSent), "errors kept")
	assert.Less(t, peak, int64(containerMiB<<20))
	assert.Zero(t, group.kills(t))
}

// peakMemory is the most that the process had resident at any time.
func (c *collector) peakMemory() int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.cmd.Process.Pid))
	require.NoError(c.t, err)
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")), 10, 64)
			require.NoError(c.t, err)
			return kib << 10
		}
	}
	require.Fail(c.t, "no VmHWM")
	return 0
}

// overloader sends traffic, also faster than it is taken.
type overloader struct {
	tr   *traffic
	wire *wire
	next atomic.Uint64
}

// sentLoad is what became of it, in spans.
type sentLoad struct {
	mu                                  sync.Mutex
	took                                time.Duration
	accepted, refused, heldBack, errors int64
	reasons                             map[string]int
}

func (s *sentLoad) perSecond(n int64) float64 { return float64(n) / s.took.Seconds() }

// run sends for some time, with so many senders, at a rate of spans a second; 0 is
// as fast as they are answered.
func (o *overloader) run(lasting time.Duration, senders int, rate float64) *sentLoad {
	out := &sentLoad{reasons: map[string]int{}}
	begin := time.Now()
	due := make(chan struct{}, senders)
	var working sync.WaitGroup
	for range senders {
		working.Go(func() {
			for range due {
				for i, body := range o.tr.stamp(7, o.next.Add(1)) {
					status, err := o.wire.post(body)
					out.count(int64(o.tr.parts[i].spans), int64(bytes.Count(body, []byte(errorMark))), status, err)
				}
			}
		})
	}
	each := int64(o.tr.total())
	for offered := int64(0); time.Since(begin) < lasting; offered += each {
		if rate == 0 {
			due <- struct{}{}
			continue
		}
		time.Sleep(time.Until(begin.Add(time.Duration(float64(offered) / rate * 1e9))))
		select {
		case due <- struct{}{}:
		default: // all senders wait
			out.heldBack += each
		}
	}
	close(due)
	working.Wait()
	out.took = time.Since(begin)
	return out
}

func (s *sentLoad) count(spans, errors int64, status int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil && status == http.StatusOK {
		s.accepted += spans
		s.errors += errors
		return
	}
	s.refused += spans
	if err != nil {
		s.reasons[err.Error()]++
	} else {
		s.reasons[http.StatusText(status)]++
	}
}

// rawSink is an OTLP back-end that decodes nothing: it counts the errors that
// arrive.
type rawSink struct {
	addr   string
	errors atomic.Int64
}

func startRawSink(t *testing.T) *rawSink {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := &rawSink{addr: l.Addr().String()}
	server := grpc.NewServer(grpc.MaxRecvMsgSize(64<<20), grpc.ForceServerCodec(rawCodec{}), grpc.UnknownServiceHandler(func(_ any, stream grpc.ServerStream) error {
		var body []byte
		if err := stream.RecvMsg(&body); err != nil {
			return err
		}
		s.errors.Add(int64(bytes.Count(body, []byte(errorMark))))
		return stream.SendMsg(&[]byte{}) // an answer without a word: all is taken
	}))
	go func() { _ = server.Serve(l) }()
	t.Cleanup(server.Stop)
	return s
}

// rawCodec hands messages on as they are.
type rawCodec struct{}

func (rawCodec) Marshal(v any) ([]byte, error) { return *v.(*[]byte), nil }

func (rawCodec) Unmarshal(data []byte, v any) error {
	*v.(*[]byte) = data
	return nil
}

func (rawCodec) Name() string { return "proto" }
