package alertrules

import (
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl/contexts/ottllog"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl/contexts/ottlspan"
	"go.opentelemetry.io/collector/pdata/pcommon"
)

// item is what event rules need of a log record or span beside their conditions.
type item struct {
	// places are looked through for the values of a group: the item's own
	// attributes, its scope's, its resource's.
	places [3]pcommon.Map
	trace  pcommon.TraceID
	span   pcommon.SpanID
	times  [2]pcommon.Timestamp // when it happened, the better one first
}

func itemOfLog(tc *ottllog.TransformContext) item {
	lr := tc.GetLogRecord()
	return item{
		places: [3]pcommon.Map{lr.Attributes(), tc.GetInstrumentationScope().Attributes(), tc.GetResource().Attributes()},
		trace:  lr.TraceID(), span: lr.SpanID(),
		times: [2]pcommon.Timestamp{lr.Timestamp(), lr.ObservedTimestamp()},
	}
}

// itemOfSpan: what a span tells is so from its end on.
func itemOfSpan(tc *ottlspan.TransformContext) item {
	s := tc.GetSpan()
	return item{
		places: [3]pcommon.Map{s.Attributes(), tc.GetInstrumentationScope().Attributes(), tc.GetResource().Attributes()},
		trace:  s.TraceID(), span: s.SpanID(),
		times: [2]pcommon.Timestamp{s.EndTimestamp(), s.StartTimestamp()},
	}
}

// group reads the values of a group. The trackers keep them, so they must be
// short; what reads events refuses a batch with a text that is not UTF-8.
func (it *item) group(by []string) []string {
	values := make([]string, len(by))
	for i, name := range by {
		for _, m := range it.places {
			if v, ok := m.Get(name); ok {
				values[i] = capped(v.AsString())
				break
			}
		}
	}
	return values
}

// maxClockDifference is how far an item's own time may lie from the clock and
// still be taken as the time of what it tells.
const maxClockDifference = 24 * time.Hour

// at is when the thing happened that the item tells of, so that replicas agree
// on it: its own time if that is credible, else the clock's.
func (it *item) at(now time.Time) time.Time {
	for _, ts := range it.times {
		if t := ts.AsTime(); ts != 0 && t.Sub(now).Abs() < maxClockDifference {
			return t
		}
	}
	return now.UTC()
}
