package rules

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// A clock that was set back ends nothing: what fires goes on in its episode, and
// what is pending does not wait for the old time.
func TestAClockThatIsSetBack(t *testing.T) {
	for name, file := range map[string]string{
		"at once":   `groups: [{name: g, rules: [{alert: A, expr: m > 1}]}]`,
		"after for": `groups: [{name: g, rules: [{alert: A, expr: m > 1, for: 2m}]}]`,
	} {
		t.Run(name, func(t *testing.T) {
			g := load(t, Options{}, file)
			a := answers{"m > 1": vec(2), "m": vec(2)}
			var fired []string
			for i := 10; i < 14; i++ {
				fired = append(fired, changesOf(g.Eval(t.Context(), at(i), a.env()))...)
			}
			assert.Contains(t, fired, "firing condition_met")
			for i := 3; i < 20; i++ {
				assert.Empty(t, changesOf(g.Eval(t.Context(), at(i), a.env())), "minute %d", i)
			}
		})
	}
	t.Run("pending", func(t *testing.T) {
		g := load(t, Options{}, plainRule)
		a := answers{"m > 1": vec(2), "m": vec(2)}
		g.Eval(t.Context(), at(60), a.env())
		assert.Empty(t, changesOf(g.Eval(t.Context(), at(3), a.env())))
		assert.Empty(t, changesOf(g.Eval(t.Context(), at(4), a.env())))
		assert.Equal(t, []string{"firing condition_met"}, changesOf(g.Eval(t.Context(), at(5), a.env())))
	})
}
