package alertrules

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/cespare/xxhash/v2"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/foundation-os/otelcol-foundation/connector/alertrules/internal/episodes"
	"github.com/foundation-os/otelcol-foundation/internal/record"
	"github.com/foundation-os/otelcol-foundation/internal/rules"
)

// kept is what an engine leaves to the one that comes after it.
type kept struct {
	heard        time.Time // until then it lived
	groups       []rules.GroupState
	events       []keptEvents
	degradations []*degraded
	letters      []letter
	ended        plog.LogRecordSlice // ends that are told again
	next         uint64
}

// keptEvents are the active groups of one event rule, and what its alerts need
// to end when the rule is there no longer.
type keptEvents struct {
	cfg      Event // name, severity, group_by and annotations
	episodes episodes.Kept
}

// version is the version of all records of this connector.
const version = 1<<16 | rules.StateVersion

// Keys of the records. Each record knows its key, so that one cannot stand for
// another.
const (
	keyHead         = "head"
	keyDegradations = "degradations"
	keyEnded        = "ended"
)

func keyOfGroup(file, name string) string {
	return fmt.Sprintf("group/%016x", xxhash.Sum64String(file+"\x00"+name))
}

// keyOfEvents tells rules apart as alerts are told apart: a rule with other
// labels is another one.
func keyOfEvents(cfg *Event) string {
	d := xxhash.New()
	for _, s := range append([]string{cfg.Name, cfg.Severity.String()}, cfg.GroupBy...) {
		_, _ = d.Write(binary.AppendUvarint(nil, uint64(len(s))))
		_, _ = d.WriteString(s)
	}
	return fmt.Sprintf("events/%016x", d.Sum64())
}

func keyOfLetter(number uint64) string { return fmt.Sprintf("outbox/%d", number) }

func seal(key string, payload func(b []byte) []byte) []byte {
	b := payload(record.Begin(version, xxhash.Sum64String(key), 512))
	record.Seal(b)
	return b
}

func unseal(key string, b []byte) ([]byte, error) {
	return record.Open(b, version, xxhash.Sum64String(key))
}

// head says what else there is.
type head struct {
	heard       time.Time
	groups      []string // keys
	events      []string
	first, next uint64 // numbers of letters, some of which may be gone
}

const (
	maxKeys    = 1 << 20
	maxKeySize = 64
	maxBytes   = 1 << 20 // of a text
)

func (h *head) append(b []byte) []byte {
	b = binary.AppendVarint(b, h.heard.UnixNano())
	for _, keys := range [][]string{h.groups, h.events} {
		b = binary.AppendUvarint(b, uint64(len(keys)))
		for _, k := range keys {
			b = record.AppendString(b, k)
		}
	}
	b = binary.AppendUvarint(b, h.first)
	return binary.AppendUvarint(b, h.next)
}

func readHead(b []byte) (h head, err error) {
	r := record.NewReader(b)
	h.heard = readTime(r)
	for _, keys := range []*[]string{&h.groups, &h.events} {
		for range r.Len(maxKeys, 1) {
			*keys = append(*keys, r.String(maxKeySize))
		}
	}
	h.first, h.next = r.Uint(), r.Uint()
	r.FailUnless(h.next >= h.first && h.next-h.first <= maxKeys)
	return h, r.Err()
}

func readGroup(b []byte) (rules.GroupState, error) {
	r := record.NewReader(b)
	s := rules.ReadGroupState(r)
	return s, r.Err()
}

func (k *keptEvents) append(b []byte) []byte {
	b = record.AppendString(b, k.cfg.Name)
	b = binary.AppendVarint(b, int64(k.cfg.Severity))
	b = appendStrings(b, k.cfg.GroupBy)
	pairs := make([]string, 0, 2*len(k.cfg.Annotations))
	for name, text := range k.cfg.Annotations {
		pairs = append(pairs, name, text)
	}
	b = appendStrings(b, pairs)
	b = binary.AppendUvarint(b, uint64(len(k.episodes.Episodes)))
	for i := range k.episodes.Episodes {
		e := &k.episodes.Episodes[i]
		b = appendStrings(b, e.Values)
		b = binary.AppendVarint(b, e.Start.UnixNano())
		b = binary.AppendVarint(b, e.Heard.UnixNano())
		b = record.AppendString(b, string(e.Trace[:])+string(e.Span[:]))
		b = record.AppendBool(b, e.Flapping)
		b = record.AppendBool(b, e.FlappedOver)
	}
	b = binary.AppendUvarint(b, uint64(len(k.episodes.Flaps)))
	for key, times := range k.episodes.Flaps {
		b = record.AppendString(b, key)
		b = binary.AppendUvarint(b, uint64(len(times)))
		for _, t := range times {
			b = binary.AppendVarint(b, t.UnixNano())
		}
	}
	return b
}

func readEvents(b []byte) (k keptEvents, err error) {
	r := record.NewReader(b)
	k.cfg.Name = r.String(maxBytes)
	k.cfg.Severity = Severity(r.IntWithin(0, int64(len(severities)-1)))
	k.cfg.GroupBy = readStrings(r)
	pairs := readStrings(r)
	r.FailUnless(len(pairs)%2 == 0)
	k.cfg.Annotations = map[string]string{}
	for i := 0; i+1 < len(pairs); i += 2 {
		k.cfg.Annotations[pairs[i]] = pairs[i+1]
	}
	for range r.Len(maxKeys, 2) {
		e := episodes.KeptEpisode{Values: readStrings(r), Start: readTime(r), Heard: readTime(r)}
		r.FailUnless(len(e.Values) == len(k.cfg.GroupBy))
		ids := r.String(len(e.Trace) + len(e.Span))
		r.FailUnless(len(ids) == len(e.Trace)+len(e.Span))
		copy(e.Span[:], ids[copy(e.Trace[:], ids):])
		e.Flapping, e.FlappedOver = r.Bool(), r.Bool()
		k.episodes.Episodes = append(k.episodes.Episodes, e)
	}
	k.episodes.Flaps = map[string][]time.Time{}
	for range r.Len(maxKeys, 2) {
		key := r.String(maxBytes)
		for range r.Len(maxKeys, 1) {
			k.episodes.Flaps[key] = append(k.episodes.Flaps[key], readTime(r))
		}
	}
	return k, r.Err()
}

func readTime(r *record.Reader) time.Time { return time.Unix(0, r.Int()).UTC() }

func appendStrings(b []byte, list []string) []byte {
	b = binary.AppendUvarint(b, uint64(len(list)))
	for _, s := range list {
		b = record.AppendString(b, s)
	}
	return b
}

func readStrings(r *record.Reader) (list []string) {
	for range r.Len(maxKeys, 1) {
		list = append(list, r.String(maxBytes))
	}
	return list
}

// appendRecords writes log records as OTLP.
func appendRecords(b []byte, records plog.LogRecordSlice) []byte {
	ld := plog.NewLogs()
	records.CopyTo(ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords())
	// It fails for no data that is legal in memory.
	p, _ := (&plog.ProtoMarshaler{}).MarshalLogs(ld)
	return append(b, p...)
}

func readRecords(b []byte) (plog.LogRecordSlice, error) {
	out := plog.NewLogRecordSlice()
	ld, err := (&plog.ProtoUnmarshaler{}).UnmarshalLogs(b)
	if err != nil {
		return out, fmt.Errorf("%w: %w", record.ErrCorrupt, err)
	}
	for _, rl := range ld.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			sl.LogRecords().MoveAndAppendTo(out)
		}
	}
	return out, nil
}

// Attributes of a degraded series as a log record, which OTLP can write.
const (
	degradedKey        = "key"
	degradedMetric     = "metric"
	degradedAttributes = "attributes"
	degradedValues     = "values"
)

func appendDegraded(b []byte, list []*degraded) []byte {
	records := plog.NewLogRecordSlice()
	for _, s := range list {
		at := records.AppendEmpty().Attributes()
		at.PutEmptyBytes(degradedKey).FromRaw([]byte(s.key))
		at.PutStr(degradedMetric, s.metric)
		s.attributes.CopyTo(at.PutEmptyMap(degradedAttributes))
		values := at.PutEmptyMap(degradedValues)
		for name, v := range s.values {
			values.PutDouble(name, v)
		}
	}
	return appendRecords(b, records)
}

func readDegraded(b []byte) (list []*degraded, err error) {
	records, err := readRecords(b)
	if err != nil {
		return nil, err
	}
	for _, lr := range records.All() {
		s := &degraded{attributes: pcommon.NewMap(), values: map[string]float64{}}
		for name, v := range lr.Attributes().All() {
			switch {
			case name == degradedKey && v.Type() == pcommon.ValueTypeBytes:
				s.key = string(v.Bytes().AsRaw())
			case name == degradedMetric:
				s.metric = v.AsString()
			case name == degradedAttributes && v.Type() == pcommon.ValueTypeMap:
				v.Map().CopyTo(s.attributes)
			case name == degradedValues && v.Type() == pcommon.ValueTypeMap:
				for sibling, value := range v.Map().All() {
					s.values[sibling] = value.Double()
				}
			}
		}
		list = append(list, s)
	}
	return list, nil
}
