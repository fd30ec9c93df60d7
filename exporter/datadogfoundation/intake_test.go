package datadogfoundation

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/DataDog/agent-payload/v5/gogen"
	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/assert"
)

// intake is a Datadog that keeps what it is sent: a real HTTP server, reading
// the bodies with agent-payload's own types and its own decompressors.
type intake struct {
	*httptest.Server
	t *testing.T

	mu       sync.Mutex
	requests []request
	// answer decides on a request; nil or 0 means 202.
	answer func(w http.ResponseWriter, r request) int
}

type request struct {
	path, key, contentType, encoding string
	compressed, raw                  int
	body                             []byte
	series                           []*gogen.MetricPayload_MetricSeries
	sketches                         []gogen.SketchPayload_Sketch
	v1                               []seriesV1
	status                           int
}

type seriesV1 struct {
	Metric   string       `json:"metric"`
	Points   [][2]float64 `json:"points"`
	Tags     []string     `json:"tags"`
	Type     string       `json:"type"`
	Interval int64        `json:"interval"`
	Host     string       `json:"host"`
}

func newIntake(t *testing.T) *intake {
	in := &intake{t: t}
	in.Server = httptest.NewServer(http.HandlerFunc(in.serve))
	t.Cleanup(in.Close)
	return in
}

func (in *intake) serve(w http.ResponseWriter, hr *http.Request) {
	body, err := io.ReadAll(hr.Body)
	if err != nil {
		return // the client went away
	}
	r := request{
		path: hr.URL.Path, key: hr.Header.Get("DD-API-KEY"), contentType: hr.Header.Get("Content-Type"),
		encoding: hr.Header.Get("Content-Encoding"), compressed: len(body),
	}
	r.body = decompress(in.t, r.encoding, body)
	r.raw = len(r.body)
	switch r.path {
	case "/api/v2/series":
		var p gogen.MetricPayload
		if assert.NoError(in.t, p.Unmarshal(r.body)) {
			r.series = p.Series
		}
	case "/api/beta/sketches":
		var p gogen.SketchPayload
		if assert.NoError(in.t, p.Unmarshal(r.body)) {
			r.sketches = p.Sketches
		}
	case "/api/v1/series":
		var p struct{ Series []seriesV1 }
		if assert.NoError(in.t, json.Unmarshal(r.body, &p), "%s", r.body) {
			r.v1 = p.Series
		}
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.answer != nil {
		r.status = in.answer(w, r)
	}
	if r.status == 0 {
		r.status = http.StatusAccepted
	}
	in.requests = append(in.requests, r)
	w.WriteHeader(r.status)
	if r.status == http.StatusAccepted {
		_, _ = w.Write([]byte(`{"errors":[]}`))
	}
}

func decompress(t *testing.T, encoding string, body []byte) []byte {
	var r io.Reader = bytes.NewReader(body)
	var err error
	switch encoding {
	case "zstd":
		var d *zstd.Decoder
		if d, err = zstd.NewReader(r, zstd.WithDecoderConcurrency(1)); err == nil {
			defer d.Close()
			r = d
		}
	case "gzip":
		r, err = gzip.NewReader(r)
	case "deflate":
		r, err = zlib.NewReader(r)
	}
	assert.NoError(t, err)
	raw, err := io.ReadAll(r)
	assert.NoError(t, err)
	return raw
}

// accepted are the requests answered with 2xx.
func (in *intake) accepted() []request {
	in.mu.Lock()
	defer in.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(in.requests), func(r request) bool { return r.status >= 300 })
}

func (in *intake) all() []request {
	in.mu.Lock()
	defer in.mu.Unlock()
	return slices.Clone(in.requests)
}

func (in *intake) respond(f func(w http.ResponseWriter, r request) int) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.answer = f
}

// sums adds up the accepted points of every name (v2 and v1; of sketches the counts).
func (in *intake) sums() map[string]float64 {
	got := map[string]float64{}
	for _, r := range in.accepted() {
		for _, s := range r.series {
			for _, p := range s.Points {
				got[s.Metric] += p.Value
			}
		}
		for _, s := range r.v1 {
			for _, p := range s.Points {
				got[s.Metric] += p[1]
			}
		}
		for _, s := range r.sketches {
			for _, d := range s.Dogsketches {
				got[s.Metric] += float64(d.Cnt)
			}
		}
	}
	return got
}

func (in *intake) names() []string {
	var names []string
	for name := range in.sums() {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// one returns the only accepted v2 series of a name.
func (in *intake) one(name string) *gogen.MetricPayload_MetricSeries {
	var found []*gogen.MetricPayload_MetricSeries
	for _, r := range in.accepted() {
		for _, s := range r.series {
			if s.Metric == name {
				found = append(found, s)
			}
		}
	}
	if !assert.Len(in.t, found, 1, "series %s, of %s", name, strings.Join(in.names(), " ")) {
		in.t.FailNow()
	}
	return found[0]
}

func (in *intake) sketch(name string) gogen.SketchPayload_Sketch {
	var found []gogen.SketchPayload_Sketch
	for _, r := range in.accepted() {
		for _, s := range r.sketches {
			if s.Metric == name {
				found = append(found, s)
			}
		}
	}
	if !assert.Len(in.t, found, 1, "sketch %s", name) {
		in.t.FailNow()
	}
	return found[0]
}
