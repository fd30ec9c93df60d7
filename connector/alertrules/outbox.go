package alertrules

import (
	"context"
	"slices"
	"sync"

	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/plog"
)

// maxOutbox bounds the events that wait for a destination that refuses them.
const maxOutbox = 10_000

// outbox keeps alert events until they are taken: the state they tell of has
// changed already, so nobody would tell of it again. It is safe for concurrent
// use, and it keeps the events' order.
type outbox struct {
	scope string
	// sending is held while events are offered: one caller at a time, else later
	// events would overtake those that are refused.
	sending sync.Mutex
	// mu is not held while events are offered, so that a destination that takes
	// its time holds up nobody who only adds.
	mu      sync.Mutex
	letters []letter
	offered []letter // taken, and not known to have arrived
	records int
	next    uint64   // number of the next letter
	gone    []uint64 // numbers of letters that were taken, and may lie in a storage
	dropped int      // records, since the last send

	// resends tell again what is known; before is the number of the first letter
	// that comes after them. They are not kept: the next ones tell the same.
	resends    plog.LogRecordSlice
	before     uint64
	superseded int // resends that were not taken, since the last send
}

// letter is the events of one change, which are kept together.
type letter struct {
	number  uint64
	records plog.LogRecordSlice
	stored  bool
}

func newOutbox(scope string) *outbox {
	return &outbox{scope: scope, resends: plog.NewLogRecordSlice()}
}

// add appends records. What is beyond the bound is dropped, the oldest first.
func (o *outbox) add(records plog.LogRecordSlice) {
	if l := o.letter(records); l.records.Len() > 0 {
		o.post(l)
	}
}

// letter takes the records and numbers them.
func (o *outbox) letter(records plog.LogRecordSlice) letter {
	o.mu.Lock()
	defer o.mu.Unlock()
	l := letter{number: o.next, records: plog.NewLogRecordSlice()}
	records.MoveAndAppendTo(l.records)
	if l.records.Len() > 0 {
		o.next++
	}
	return l
}

// post appends a letter.
func (o *outbox) post(l letter) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.letters = append(o.letters, l)
	o.records += l.records.Len()
	o.trim()
}

// resend offers records that tell again what is known. They replace those of
// before, and are not bounded here: there are as many as there are alerts.
func (o *outbox) resend(records plog.LogRecordSlice) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.superseded += o.resends.Len()
	o.resends = plog.NewLogRecordSlice()
	records.MoveAndAppendTo(o.resends)
	o.before = o.next
}

// takeSuperseded returns how many re-sends were given up since the last call.
func (o *outbox) takeSuperseded() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := o.superseded
	o.superseded = 0
	return n
}

func (o *outbox) trim() {
	for over := o.records - maxOutbox; over > 0; over = o.records - maxOutbox {
		first := o.letters[0]
		if n := first.records.Len(); n <= over {
			o.letters = o.letters[1:]
			o.gone = append(o.gone, first.number)
			o.records -= n
			o.dropped += n
			continue
		}
		o.records -= over
		o.dropped += over
		first.records.RemoveIf(func(plog.LogRecord) bool {
			over--
			return over >= 0
		})
	}
}

// offer is what the outbox holds at a time.
type offer struct {
	letters []letter
	resends plog.LogRecordSlice
	before  uint64
}

// records copies the offer in the order of the changes.
func (f *offer) records(to plog.LogRecordSlice) {
	put := func(records plog.LogRecordSlice) {
		copied := plog.NewLogRecordSlice()
		records.CopyTo(copied)
		copied.MoveAndAppendTo(to)
	}
	late := false
	for _, l := range f.letters {
		if l.number >= f.before && !late {
			late = true
			put(f.resends)
		}
		put(l.records)
	}
	if !late {
		put(f.resends)
	}
}

// take empties the outbox.
func (o *outbox) take() (all offer, dropped int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	all = offer{letters: o.letters, resends: o.resends, before: o.before}
	o.offered = o.letters
	o.letters, o.records, o.resends = nil, 0, plog.NewLogRecordSlice()
	dropped, o.dropped = o.dropped, 0
	return all, dropped
}

// putBack puts letters before those that came since they were taken.
func (o *outbox) putBack(f *offer) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.offered = nil
	o.superseded += f.resends.Len()
	o.letters = append(f.letters, o.letters...)
	for _, l := range f.letters {
		o.records += l.records.Len()
	}
	o.trim()
}

// done forgets letters that were taken.
func (o *outbox) done(letters []letter) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.offered = nil
	for _, l := range letters {
		o.gone = append(o.gone, l.number)
	}
}

// send offers all that wait to next. A refusal is no error of the caller's: the
// records wait for the next call.
func (o *outbox) send(ctx context.Context, next consumer.Logs) (sent, dropped int, err error) {
	o.sending.Lock()
	defer o.sending.Unlock()
	taken, dropped := o.take()
	ld := plog.NewLogs()
	sl := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty()
	sl.Scope().SetName(o.scope)
	taken.records(sl.LogRecords())
	n := sl.LogRecords().Len()
	if n == 0 {
		return 0, dropped, nil
	}
	if next == nil {
		o.done(taken.letters)
		return 0, dropped + n, nil
	}
	err = next.ConsumeLogs(ctx, ld)
	switch {
	case err == nil:
		o.done(taken.letters)
		return n, dropped, nil
	case consumererror.IsPermanent(err):
		o.done(taken.letters)
		return 0, dropped + n, err
	}
	o.putBack(&taken)
	return 0, dropped, err
}

// unwritten lists the letters that a storage should hold and does not, those
// that it must forget, and the range of numbers beyond which there are none.
func (o *outbox) unwritten() (letters []letter, gone []uint64, first, next uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, l := range o.letters {
		if !l.stored {
			letters = append(letters, l)
		}
	}
	first = o.next
	for _, list := range [][]letter{o.letters, o.offered} {
		if len(list) > 0 {
			first = min(first, list[0].number)
		}
	}
	return letters, slices.Clone(o.gone), first, o.next
}

// written says what of the answer of unwritten a storage holds, and forgot.
func (o *outbox) written(letters []letter, gone []uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	numbers := map[uint64]bool{}
	for _, l := range letters {
		numbers[l.number] = true
	}
	for i := range o.letters {
		o.letters[i].stored = o.letters[i].stored || numbers[o.letters[i].number]
	}
	o.gone = o.gone[len(gone):]
}

// forget drops the numbers of letters that were taken: no storage holds them.
func (o *outbox) forget() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.gone = nil
}

func (o *outbox) anyGone() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.gone) > 0
}

// leave gives away the letters that wait, and the number of the next one.
func (o *outbox) leave() ([]letter, uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for i := range o.letters {
		o.letters[i].stored = false // perhaps in another storage than the next one's
	}
	return o.letters, o.next
}

// restore puts letters of an outbox before this one first. next is the number of
// its next letter.
func (o *outbox) restore(letters []letter, next uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.next = max(o.next, next)
	o.letters = append(letters, o.letters...)
	for _, l := range letters {
		o.records += l.records.Len()
	}
	o.trim()
}
