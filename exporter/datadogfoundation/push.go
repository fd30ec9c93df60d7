package datadogfoundation

import (
	"context"

	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/exporter/exporterhelper"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/foundation-os/otelcol-foundation/exporter/datadogfoundation/internal/payload"
)

// maxBisect bounds the extra requests that a batch may cost because of 400s:
// finding one bad series among 10,000 takes 27. An intake that refuses
// everything must not get two requests for every series.
const maxBisect = 512

// delivery sends one batch.
type delivery struct {
	e       *metricsExporter
	ctx     context.Context
	batch   mapped
	bisects int
}

// push sends a prepared batch. It can be called again with what it returns:
// what was delivered is not in there.
func (e *metricsExporter) push(ctx context.Context, md pmetric.Metrics) error {
	d := delivery{e: e, ctx: ctx, batch: e.mapper.run(md, e.now())}
	defer func() { d.batch.tally.publish(ctx, e.telemetry) }()
	r := d.send(e.seriesFormat, d.batch.series)
	if r.outcome == delivered {
		r = d.send(payload.Sketches, d.batch.sketches)
	}
	switch r.outcome {
	case delivered:
		return nil
	case unauthorized:
		d.batch.tally.drop(reasonUnauthorized, d.batch.pending())
		return consumererror.NewPermanent(r.err)
	case refused:
		d.batch.tally.drop(reasonRefused, d.batch.pending())
		return consumererror.NewPermanent(r.err)
	}
	err := r.err
	if wait := patience(e.cfg, r.after); wait > 0 {
		err = exporterhelper.NewThrottleRetry(err, wait)
	}
	return consumererror.NewMetrics(err, d.batch.rest(md))
}

func (d *delivery) send(f payload.Format, items []*payload.Item) reply {
	if len(items) == 0 {
		return reply{}
	}
	pool := &d.e.splitters[f]
	s, ok := pool.Get().(*payload.Splitter)
	if !ok {
		s = payload.NewSplitter(f, d.e.limits, d.e.compressor.Append)
	}
	s.Reset()
	defer pool.Put(s)
	return d.deliver(s, target(f), payload.Whole(items))
}

// deliver sends parts, cutting them as the splitter and the replies demand. Its
// reply is delivered when all are settled.
func (d *delivery) deliver(s *payload.Splitter, t endpoint, parts []payload.Part) reply {
	for len(parts) > 0 {
		var p payload.Payload
		p, parts = s.Next(parts)
		if p.Body == nil {
			d.giveUp(p.Parts, reasonTooLarge)
			continue
		}
		r := d.e.client.post(d.ctx, t.name, t.path, t.contentType, d.e.compressor.Encoding, p.Body)
		switch r.outcome {
		case delivered:
			d.batch.settle(p.Parts, d.e.mapper.moved())
			continue
		case tooLarge:
			if payload.Total(p.Parts) == 1 {
				d.giveUp(p.Parts, reasonTooLarge)
				continue
			}
		case rejected:
			if payload.Total(p.Parts) == 1 || d.bisects >= maxBisect {
				d.e.complaint.log(d.e.logger, d.e.now(), "Datadog refuses a series; it is dropped and counted, see otelcol_datadog_foundation_dropped_points", r.err)
				d.giveUp(p.Parts, reasonRejected)
				continue
			}
			d.bisects += 2
		default:
			return r
		}
		first, second := payload.Halve(p.Parts)
		for _, half := range [][]payload.Part{first, second} {
			if r := d.deliver(s, t, append([]payload.Part(nil), half...)); r.outcome != delivered {
				return r
			}
		}
	}
	return reply{}
}

func (d *delivery) giveUp(parts []payload.Part, reason string) {
	d.batch.tally.drop(reason, d.batch.settle(parts, ""))
}

// moved is the action to count for points out of the window that are sent.
func (m *mapper) moved() string {
	if m.outOfWindow == Drop {
		return ""
	}
	return m.outOfWindow.String()
}

// endpoint is one intake.
type endpoint struct{ name, path, contentType string }

func target(f payload.Format) endpoint {
	switch f {
	case payload.SeriesV1:
		return endpoint{"series", "/api/v1/series", "application/json"}
	case payload.Sketches:
		return endpoint{"sketches", "/api/beta/sketches", "application/x-protobuf"}
	}
	return endpoint{"series", "/api/v2/series", "application/x-protobuf"}
}
