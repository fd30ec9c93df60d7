package e2e

import (
	"bytes"
	bigendian "encoding/binary"
	"io"
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
)

// traffic is a request of OTLP that is encoded once and sent many times, each time
// with new trace ids: so a sender costs next to nothing beside the collector.
type traffic struct {
	traces int
	parts  []part
	// by name: what each sending of all parts has
	spans, errors map[string]int
	// trace by trace: how many spans, and whether one of them is an error
	sizes  []int
	failed []bool
}

// part is one body. Each of its traces' ids stands at some offsets.
type part struct {
	body    []byte
	spans   int
	offsets [][]int
}

// share is one kind of trace: its root's name, of how many of 100 traces it is the
// root, and what is below it.
type share struct {
	root     string
	percent  int
	children []string
}

// shares are names of all rates of the document's table, critical and unlisted.
var shares = []share{
	{"foundation.process_registry.lookup", 15, nil},
	{"foundation_jido.signal.dispatch", 15, []string{"shop.deliver"}},
	{"foundation_jido.agent.registration", 15, []string{"foundation.process_registry.lookup"}},
	{"dspex.program.execution", 15, []string{"dspex.predict", "dspex.predict"}},
	{"foundation_os.request", 10, []string{"foundation.process_registry.lookup", "shop.deliver"}},
	{"shop.checkout", 30, []string{"foundation_jido.signal.dispatch", "shop.deliver"}},
}

// errorMark is in every span that is an error and nowhere else, to be counted
// without decoding.
const errorMark = "this span is an error"

// newTraffic makes a request of n traces, of which errorPercent have one error,
// below the root where there is something below. lastPercent of the traces send
// their last span in a part of its own.
func newTraffic(t *testing.T, n, errorPercent, lastPercent int) *traffic {
	t.Helper()
	rng := rand.New(rand.NewPCG(11, 12))
	tr := &traffic{traces: n, spans: map[string]int{}, errors: map[string]int{}}
	first, last := ptrace.NewTraces(), ptrace.NewTraces()
	scope := func(td ptrace.Traces) ptrace.SpanSlice {
		rs := td.ResourceSpans().AppendEmpty()
		rs.Resource().Attributes().PutStr("service.name", "shop")
		return rs.ScopeSpans().AppendEmpty().Spans()
	}
	firstSpans, lastSpans := scope(first), scope(last)
	now := time.Now()
	for i, place := range rng.Perm(n) { // so that kinds alternate
		kind := shareOf(place * 100 / n)
		names := append([]string{kind.root}, kind.children...)
		fails := i*errorPercent%100 < errorPercent
		for j, name := range names {
			into := firstSpans
			if j > 0 && j == len(names)-1 && rng.IntN(100) < lastPercent {
				into = lastSpans
			}
			s := into.AppendEmpty()
			s.SetTraceID(marker(i))
			s.SetSpanID(pcommon.SpanID{1, byte(j)})
			if j > 0 {
				s.SetParentSpanID(pcommon.SpanID{1, 0})
			}
			s.SetName(name)
			s.SetStartTimestamp(pcommon.NewTimestampFromTime(now.Add(-time.Duration(10+j) * time.Millisecond)))
			s.SetEndTimestamp(pcommon.NewTimestampFromTime(now))
			s.Attributes().PutStr("namespace", "default")
			s.Attributes().PutStr("request_id", "req-0001")
			s.Attributes().PutInt("participant_count", 7)
			s.Attributes().PutBool("cached", false)
			tr.spans[name]++
			if fails && j == len(names)-1 {
				s.Status().SetCode(ptrace.StatusCodeError)
				s.Attributes().PutStr("mark", errorMark)
				tr.errors[name]++
			}
		}
		tr.sizes, tr.failed = append(tr.sizes, len(names)), append(tr.failed, fails)
	}
	for _, td := range []ptrace.Traces{first, last} {
		if td.SpanCount() == 0 {
			continue
		}
		body, err := ptraceotlp.NewExportRequestFromTraces(td).MarshalProto()
		require.NoError(t, err)
		p := part{body: body, spans: td.SpanCount(), offsets: make([][]int, n)}
		for i := range n {
			id := marker(i)
			for at := 0; ; at += len(id) {
				next := bytes.Index(body[at:], id[:])
				if next < 0 {
					break
				}
				at += next
				p.offsets[i] = append(p.offsets[i], at)
			}
		}
		tr.parts = append(tr.parts, p)
	}
	return tr
}

func shareOf(percent int) share {
	for _, s := range shares {
		if percent < s.percent {
			return s
		}
		percent -= s.percent
	}
	panic("the shares are less than all")
}

// marker is the id that stands for trace i in a body.
func marker(i int) (id pcommon.TraceID) {
	copy(id[:], "\xf0\x9f\xa6\x92marker.")
	bigendian.BigEndian.PutUint32(id[12:], uint32(i))
	return id
}

func (tr *traffic) total() (n int) {
	for _, size := range tr.sizes {
		n += size
	}
	return n
}

// stamp returns the parts' bodies with new ids. Their randomness is made of seed
// and sending alone, so that every run of a test decides alike.
func (tr *traffic) stamp(seed, sending uint64) [][]byte {
	var key [32]byte
	bigendian.BigEndian.PutUint64(key[:], seed)
	bigendian.BigEndian.PutUint64(key[8:], sending)
	rng := rand.NewChaCha8(key) // neighbouring keys must have nothing in common
	bodies := make([][]byte, len(tr.parts))
	for p, part := range tr.parts {
		bodies[p] = bytes.Clone(part.body)
	}
	for i := range tr.traces {
		a, b := rng.Uint64(), rng.Uint64()
		for p, part := range tr.parts {
			for _, at := range part.offsets[i] {
				bigendian.BigEndian.PutUint64(bodies[p][at:], a)
				bigendian.BigEndian.PutUint64(bodies[p][at+8:], b)
			}
		}
	}
	return bodies
}

// wire posts bodies over connections that stay open, and returns the status.
type wire struct {
	url    string
	client *http.Client
}

func newWire(c *collector, connections int) *wire {
	return &wire{
		url:    "http://" + c.http + "/v1/traces",
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections, MaxConnsPerHost: connections}, Timeout: 30 * time.Second},
	}
}

func (w *wire) post(body []byte) (int, error) {
	resp, err := w.client.Post(w.url, "application/x-protobuf", bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body) // else the connection cannot be used again
	return resp.StatusCode, err
}
