package message

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func at(d time.Duration) time.Time { return now.Add(d) }

func TestTimes(t *testing.T) {
	format := Format{Resend: time.Minute}
	const firing, resolved = false, true
	for name, c := range map[string]struct {
		resolved         bool
		start, end, told time.Time
		wantStart        time.Duration // from now
		wantEnd          time.Duration
		expired          bool
	}{
		"fires":                          {firing, at(-time.Hour), time.Time{}, now, -time.Hour, 4 * time.Minute, false},
		"fires, told a minute ago":       {firing, at(-time.Hour), time.Time{}, at(-time.Minute), -time.Hour, 3 * time.Minute, false},
		"fires, an end means nothing":    {firing, at(-time.Hour), at(-time.Minute), now, -time.Hour, 4 * time.Minute, false},
		"fires, told just in time":       {firing, at(-time.Hour), time.Time{}, at(-4*time.Minute + 1), -time.Hour, 1, false},
		"fires, told too long ago":       {firing, at(-time.Hour), time.Time{}, at(-4 * time.Minute), 0, 0, true},
		"fires, told by a fast clock":    {firing, at(time.Hour), time.Time{}, at(time.Hour), 0, 4 * time.Minute, false},
		"fires, not told when":           {firing, time.Time{}, time.Time{}, time.Time{}, 0, 4 * time.Minute, false},
		"fires, timestamp 0":             {firing, time.Unix(0, 0), time.Time{}, time.Unix(0, 0), 0, 4 * time.Minute, false},
		"ended":                          {resolved, at(-time.Hour), at(-time.Minute), now, -time.Hour, -time.Minute, false},
		"ended, told long ago":           {resolved, at(-5 * time.Hour), at(-4 * time.Hour), at(-4 * time.Hour), -5 * time.Hour, -4 * time.Hour, false},
		"ended, no end":                  {resolved, at(-time.Hour), time.Time{}, at(-time.Minute), -time.Hour, -time.Minute, false},
		"ended by a fast clock":          {resolved, at(-time.Hour), at(time.Hour), now, -time.Hour, 0, false},
		"ended before it began":          {resolved, at(-time.Hour), at(-2 * time.Hour), now, -time.Hour, -time.Hour, false},
		"began and ended by a fast one":  {resolved, at(time.Hour), at(2 * time.Hour), now, 0, 0, false},
		"ended, no time at all":          {resolved, time.Time{}, time.Time{}, time.Time{}, 0, 0, false},
		"ended, years that cannot be":    {resolved, time.Date(1, 1, 2, 0, 0, 0, 0, time.UTC), time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), now, 0, 0, false},
		"fires since before the calends": {firing, time.Date(0, 1, 2, 0, 0, 0, 0, time.UTC), time.Time{}, now, 0, 4 * time.Minute, false},
	} {
		t.Run(name, func(t *testing.T) {
			start, end, alive := format.times(Event{Resolved: c.resolved, Start: c.start, End: c.end, Told: c.told}, now)
			require.Equal(t, !c.expired, alive)
			if alive {
				assert.Equal(t, at(c.wantStart), start)
				assert.Equal(t, at(c.wantEnd), end)
				assert.False(t, end.Before(start))
				assert.Equal(t, c.resolved, !end.After(now), "Alertmanager takes an end that has passed for resolved")
			}
		})
	}
}

func TestEncode(t *testing.T) {
	f := Format{Resend: time.Minute, GeneratorURL: "http://board/1"}
	body, joined, reason := f.Encode(Event{
		Rule: "Slow", Severity: "error",
		Labels:      []Pair{{"service.name", "shop"}, {"severity", "page"}},
		Annotations: []Pair{{"summary", "é \"<b>"}, {"alert_value", "mine"}},
		Facts:       []Pair{{"alert_value", "1"}, {"alert_threshold", "2"}},
		Start:       at(-time.Minute), Told: now,
	}, now)
	require.Empty(t, reason)
	assert.Zero(t, joined)
	var got Alert
	require.NoError(t, json.Unmarshal(body, &got))
	assert.Equal(t, Alert{
		Labels:      map[string]string{"alertname": "Slow", "service_name": "shop", "severity": "page"},
		Annotations: map[string]string{"summary": "é \"<b>", "alert_value": "mine", "alert_threshold": "2"},
		StartsAt:    at(-time.Minute), EndsAt: at(4 * time.Minute), GeneratorURL: "http://board/1",
	}, got)

	_, _, reason = f.Encode(Event{Severity: ""}, now)
	assert.Equal(t, Malformed, reason)
	_, _, reason = f.Encode(Event{Rule: "r", Told: at(-time.Hour)}, now)
	assert.Equal(t, Expired, reason)
	var many []Pair
	for i := range 20 {
		many = append(many, Pair{fmt.Sprintf("l%d", i), strings.Repeat("x", 1<<20)})
	}
	_, _, reason = f.Encode(Event{Rule: "r", Labels: many}, now)
	assert.Equal(t, TooLarge, reason)
}

func TestBodies(t *testing.T) {
	alerts := [][]byte{[]byte(`{"a":1}`), []byte(`{"b":2}`), []byte(`{"c":3}`)}
	assert.JSONEq(t, `[{"a":1},{"b":2},{"c":3}]`, string(Body(alerts)))
	assert.Equal(t, `[]`, string(Body(nil)))
	assert.Equal(t, 3, Fit(alerts, 3))
	assert.Equal(t, 3, Fit(alerts, 10))
	assert.Equal(t, 2, Fit(alerts, 2))
	assert.Equal(t, 0, Fit(nil, 2))

	large := make([][]byte, 100)
	for i := range large {
		large[i] = make([]byte, maxAlert)
	}
	n := Fit(large, 100)
	assert.LessOrEqual(t, len(Body(large[:n])), MaxBody)
	assert.Greater(t, len(Body(large[:n+1])), MaxBody)
	assert.Equal(t, 1, Fit([][]byte{make([]byte, 2*MaxBody), {}}, 100), "always one")
}
