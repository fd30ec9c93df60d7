package alertrules

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/plog"
)

// Whoever follows the events of an alert must find it as it is: a resolved that
// overtakes its triggered leaves an alert that fires for ever.
func TestEventsComeOutInTheOrderOfTheirChanges(t *testing.T) {
	r := newRig(t, "evaluation_interval: 1s\n"+`
events:
  - name: Open
    condition: log.attributes["to"] == "open"
    resolve: log.attributes["to"] == "closed"
    group_by: [breaker]
    expire_after: 1ms
`)
	var wg sync.WaitGroup
	for s := range 8 {
		wg.Go(func() {
			for i := range 500 {
				assert.NoError(t, r.ll.ConsumeLogs(t.Context(), breakerLog(t0, "a", []string{"open", "closed"}[(s+i)%2])))
			}
		})
	}
	wg.Go(func() {
		for range 100 {
			r.step(time.Second)
		}
	})
	wg.Wait()
	got := r.records()
	require.Greater(t, len(got), 100)
	want := map[bool]string{true: "firing", false: "resolved"}
	for i, lr := range got {
		state, _ := lr.Attributes().Get("alert.state")
		require.Equal(t, want[i%2 == 0], state.Str(), fmt.Sprint("event ", i, " of ", len(got)))
	}
}

// adding adds an event while others are offered, and refuses those.
type adding struct {
	consumer.Logs
	o *outbox
}

func (a adding) ConsumeLogs(context.Context, plog.Logs) error {
	a.o.add(numbered(2))
	return errors.New("busy")
}

func numbered(n ...int64) plog.LogRecordSlice {
	records := plog.NewLogRecordSlice()
	for _, i := range n {
		records.AppendEmpty().Attributes().PutInt("i", i)
	}
	return records
}

// A destination that takes its time holds up nobody who only adds, and what it
// refuses stays first.
func TestRefusedEventsStayBeforeThoseThatCameMeanwhile(t *testing.T) {
	o := newOutbox("x")
	o.add(numbered(1))
	_, _, err := o.send(t.Context(), adding{o: o})
	require.Error(t, err)
	sink := new(consumertest.LogsSink)
	sent, dropped, err := o.send(t.Context(), sink)
	require.NoError(t, err)
	assert.Equal(t, []int{2, 0}, []int{sent, dropped})
	got := sink.AllLogs()[0].ResourceLogs().At(0).ScopeLogs().At(0).LogRecords()
	for i, want := range []int64{1, 2} {
		v, _ := got.At(i).Attributes().Get("i")
		assert.Equal(t, want, v.Int())
	}
}
