package livingos

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func valid() Settings { return Settings{Seed: 1, Senders: 1, Rate: 10, Duration: 10 * time.Second} }

func TestSettingsValidate(t *testing.T) {
	require.NoError(t, valid().Validate())
	require.NoError(t, Demo().Validate())

	window := Window{From: time.Second, For: time.Second}
	for _, tc := range []struct {
		wrong string
		set   func(*Settings)
	}{
		{"senders: 0, must be 1 to 1000", func(s *Settings) { s.Senders = 0 }},
		{"rate: -1, must be 0", func(s *Settings) { s.Rate = -1 }},
		{"requests: -1, must not be negative", func(s *Settings) { s.Requests = -1 }},
		{"duration: -1s, must not be negative", func(s *Settings) { s.Duration = -time.Second }},
		{"rate: 0 needs requests", func(s *Settings) { s.Rate = 0 }},
		{"error-rate: 1.1, must be between 0 and 1", func(s *Settings) { s.ErrorRate = 1.1 }},
		{"error-burst: from: must not be negative", func(s *Settings) { s.ErrorBursts = []ErrorBurst{{Window: Window{From: -1, For: 1}}} }},
		{"error-burst: rate: 2, must be between 0 and 1", func(s *Settings) { s.ErrorBursts = []ErrorBurst{{Window: window, Rate: 2}} }},
		{"slow-down: for: must be positive", func(s *Settings) { s.SlowDowns = []SlowDown{{Factor: 2}} }},
		{"slow-down: factor: 0, must be above 0", func(s *Settings) { s.SlowDowns = []SlowDown{{Window: window}} }},
		{`slow-down: operations: "sleep", must be of lookup, register`, func(s *Settings) {
			s.SlowDowns = []SlowDown{{Window: window, Factor: 2, Operations: []Kind{"sleep"}}}
		}},
		{"failing-dispatches: ratio: -1, must be between 0 and 1", func(s *Settings) { s.FailingDispatches = []FailingDispatches{{Window: window, Ratio: -1}} }},
		{"failing-dispatches: from: 10s, must be before the end of the run at 10s", func(s *Settings) {
			s.FailingDispatches = []FailingDispatches{{Window: Window{From: 10 * time.Second, For: 1}}}
		}},
		{"breaker: name: must not be empty", func(s *Settings) { s.Breakers = []Breaker{{Closes: 1}} }},
		{"breaker: opens: -1ns, must not be negative", func(s *Settings) { s.Breakers = []Breaker{{Name: "b", Opens: -1}} }},
		{"breaker: closes: 1s, must be after opens (2s)", func(s *Settings) {
			s.Breakers = []Breaker{{Name: "b", Opens: 2 * time.Second, Closes: time.Second}}
		}},
		{"breaker: closes: 11s, must be before the end of the run at 10s", func(s *Settings) {
			s.Breakers = []Breaker{{Name: "b", Closes: 11 * time.Second}}
		}},
		{"need a rate", func(s *Settings) { s.Rate, s.Requests, s.Breakers = 0, 1, []Breaker{{Name: "b", Closes: 1}} }},
	} {
		t.Run(tc.wrong, func(t *testing.T) {
			s := valid()
			tc.set(&s)
			require.ErrorContains(t, s.Validate(), tc.wrong)
		})
	}
}

func TestAllErrorsAtOnce(t *testing.T) {
	err := Settings{Rate: -1, Requests: -1, Duration: -1, ErrorRate: -1}.Validate()
	assert.Len(t, strings.Split(err.Error(), "\n"), 5)
}

func TestTotalAndDue(t *testing.T) {
	assert.Equal(t, 25, Settings{Rate: 2.5, Duration: 10 * time.Second}.Total())
	assert.Equal(t, 7, Settings{Rate: 2.5, Duration: 10 * time.Second, Requests: 7}.Total(), "a number of requests wins")
	assert.Equal(t, 0, Settings{Rate: 2.5}.Total(), "until interrupted")
	assert.Equal(t, 2*time.Second, Settings{Rate: 2.5}.Due(5))
	assert.Equal(t, time.Duration(0), Settings{}.Due(5), "as fast as possible")
}

func TestParse(t *testing.T) {
	b, err := ParseErrorBurst("from=1m,for=20s,rate=0.5")
	require.NoError(t, err)
	assert.Equal(t, ErrorBurst{Window{time.Minute, 20 * time.Second}, 0.5}, b)

	d, err := ParseSlowDown("from=0s, for=20s, factor=4, operations=lookup+auction")
	require.NoError(t, err)
	assert.Equal(t, SlowDown{Window{0, 20 * time.Second}, 4, []Kind{KindLookup, KindAuction}}, d)

	f, err := ParseFailingDispatches("for=20s,from=1s,ratio=1")
	require.NoError(t, err)
	assert.Equal(t, FailingDispatches{Window{time.Second, 20 * time.Second}, 1}, f)

	br, err := ParseBreaker("name=model_api,opens=1s,closes=5s")
	require.NoError(t, err)
	assert.Equal(t, Breaker{"model_api", time.Second, 5 * time.Second}, br)
	assert.Equal(t, 4*time.Second, br.halfOpens())
}

func TestParseErrors(t *testing.T) {
	for text, wrong := range map[string][]string{
		"":                               {`"": must be key=value with a key of closes, name, opens`, "name: missing", "opens: missing", "closes: missing"},
		"name=b,opens=1s,closes=soon":    {`closes: time: invalid duration "soon"`},
		"name=b,name=c,opens=1,closes=2": {"name: given twice", "opens: time: missing unit"},
		"name=b,opens=1s,close=2s":       {`"close=2s": must be key=value`, "closes: missing"},
	} {
		_, err := ParseBreaker(text)
		for _, w := range wrong {
			assert.ErrorContains(t, err, w, text)
		}
	}
	_, err := ParseSlowDown("from=1s,for=1s,factor=x,operations=sleep")
	require.ErrorContains(t, err, `factor: "x" is not a number`)
	require.ErrorContains(t, err, `operations: "sleep" is not one of lookup`)
}
