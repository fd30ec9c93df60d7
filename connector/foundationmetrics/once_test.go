package foundationmetrics

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// One operation, told by its span and by its events in any order, is one.
func TestAnOperationCountsOnce(t *testing.T) {
	dispatch := spanOf{name: "foundation_jido.signal.dispatch", id: 1, length: 2 * ms, attrs: kv{"adapter": "pg"}}
	begin := event{name: "foundation_jido.signal.dispatch.start", span: 1, attrs: kv{"adapter": "pg"}}
	end := event{name: "foundation_jido.signal.dispatch.complete", span: 1, attrs: kv{"adapter": "pg"}}
	const (
		count    = "foundation_jido.signal.dispatches{adapter=pg,outcome=success,target_type=unknown}"
		duration = "foundation_jido.signal.dispatch_duration{adapter=pg}"
		request  = "foundation_os.request.duration{operation=work,outcome=success}"
		all      = "foundation_os.operations{outcome=success}"
	)
	one := map[string]string{count: "1", duration: "1/0.002", all: "1"}
	for name, c := range map[string]struct {
		send       func(*pair)
		want       map[string]string
		duplicates int64
	}{
		"span, then its log": {func(p *pair) { p.spans(dispatch); p.events(begin, end) }, one, 1},
		// The log has no duration: the span that follows still brings it.
		"log, then its span": {func(p *pair) { p.events(begin, end); p.spans(dispatch) }, one, 1},
		"span with its event": {func(p *pair) {
			s := dispatch
			s.events = []event{begin, end}
			p.spans(s)
		}, one, 1},
		"event of a span of another name": {func(p *pair) {
			p.spans(spanOf{name: "request.work", id: 9, length: ms, events: []event{end, end}})
		}, map[string]string{count: "2", duration: "", request: "1/0.001"}, 0},
		"logs inside of a request span": {func(p *pair) {
			in := end
			in.span = 9
			p.events(in, in, in)
			p.spans(spanOf{name: "request.work", id: 9, length: ms})
			p.events(in)
		}, map[string]string{count: "4", request: "1/0.001"}, 0},
		"two spans": {func(p *pair) {
			other := dispatch
			other.id = 2
			p.spans(dispatch, other)
		}, map[string]string{count: "2", duration: "2/0.004", all: "2"}, 0},
		"spans with zero ids are all different": {func(p *pair) {
			zero := dispatch
			zero.id = 0
			p.spans(zero, zero)
		}, map[string]string{count: "2"}, 0},
		"logs without a span are all different": {func(p *pair) {
			free := end
			free.span = 0
			p.events(free, free)
		}, map[string]string{count: "2"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			p := start(t, nil)
			c.send(p)
			p.expect(c.want)
			require.Equal(t, c.duplicates, p.core.agg.Stats.Duplicates)
		})
	}
}

func TestStartsCountOnceToo(t *testing.T) {
	const started = "foundation_jido.auction.started{resource_type=gpu}"
	span := spanOf{name: "foundation_jido.coordination.auction", id: 1, length: ms, attrs: kv{"resource_type": "gpu"}}
	begin := event{name: "foundation_jido.coordination.auction.start", span: 1, attrs: kv{"resource_type": "gpu"}}
	for name, send := range map[string]func(*pair){
		"span first":  func(p *pair) { p.spans(span); p.events(begin) },
		"event first": func(p *pair) { p.events(begin); p.spans(span) },
	} {
		t.Run(name, func(t *testing.T) {
			p := start(t, nil)
			send(p)
			p.expect(map[string]string{started: "1", "foundation_jido.auction.completed{outcome=success}": "1"})
		})
	}
}

func TestSourcesSwitchOff(t *testing.T) {
	span := spanOf{
		name: "request.a", id: 1, length: ms, attrs: kv{"foundation_os.operation": "span"},
		events: []event{{name: "foundation_os.error.occurred", attrs: kv{"error.type": "span_event"}}},
	}
	log := event{name: "foundation_os.error.occurred", attrs: kv{"error.type": "log"}}
	const (
		fromSpan  = "foundation_os.request.duration{operation=span,outcome=success}"
		fromEvent = "foundation_os.errors{error.type=span_event}"
		fromLog   = "foundation_os.errors{error.type=log}"
	)
	for name, c := range map[string]struct {
		sources Sources
		want    map[string]string
	}{
		"spans":       {Sources{Spans: true}, map[string]string{fromSpan: "1/0.001", fromEvent: "", fromLog: ""}},
		"logs":        {Sources{Logs: true}, map[string]string{fromSpan: "", fromEvent: "", fromLog: "1"}},
		"span_events": {Sources{SpanEvents: true}, map[string]string{fromSpan: "", fromEvent: "1", fromLog: ""}},
	} {
		t.Run(name, func(t *testing.T) {
			p := start(t, func(cfg *Config) { cfg.Sources = c.sources })
			p.spans(span)
			p.events(log)
			p.expect(c.want)
		})
	}
}
