package layerenricher

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foundation-os/otelcol-foundation/semconv"
)

// The preset repeats names of the model, as a table that a user can read. A
// canonical name, an alias or their order that differs would make the enricher
// and the other components read the same item differently.
func TestPresetAgreesWithTheModel(t *testing.T) {
	preset, err := PresetFoundationOS.load()
	require.NoError(t, err)
	model := map[string]semconv.Attribute{}
	for _, a := range semconv.Attributes {
		model[a.Name] = a
	}
	plain := func(names []string) (out []string) {
		for _, n := range names {
			n, _, _ = strings.Cut(n, "[") // state_change[0] is an element of state_change
			out = append(out, n)
		}
		return out
	}
	for name, row := range preset.Attributes {
		a, ok := model[name]
		if !assert.True(t, ok, "the model does not know %s", name) {
			continue
		}
		from := slices.Concat(row.From, row.FromOnEvents, row.FromOnOurs)
		if name == "foundation_os.node" { // besides the attribute of that name, a resource's identity
			from = slices.DeleteFunc(from, func(s string) bool { return s == semconv.AttributeServiceInstanceID })
		}
		assert.Equal(t, plain(a.Aliases), from, "aliases of %s", name)
	}
	for _, e := range semconv.Events {
		for _, alias := range e.Aliases {
			renamed := preset.Names.Rename[alias]
			if renamed == "" {
				renamed = preset.Names.RenameEvents[alias]
			}
			assert.Equal(t, e.Name, renamed, "other name of an event: %s", alias)
		}
	}
	plan, err := newPlan(createDefaultConfig())
	require.NoError(t, err)
	for _, l := range semconv.Layers {
		for _, prefix := range slices.Concat(l.Prefixes, l.ScrapedPrefixes) {
			assert.Equal(t, string(l.Layer), plan.layers.Name(plan.layers.ByName(prefix+"x")), prefix)
		}
	}
	assert.Zero(t, plan.layers.ByName("request_duration_seconds"), "anybody's metric")
	for _, e := range semconv.Events {
		n := plan.names.Parse(e.Name)
		assert.Equal(t, e.Name, n.Canonical, "a canonical name stays as it is")
		assert.Equal(t, string(e.Layer), plan.layers.Name(n.Layer), e.Name)
	}
}

func TestNonePresetKnowsNothing(t *testing.T) {
	cfg := createDefaultConfig()
	cfg.Preset = PresetNone
	p, err := newPlan(cfg)
	require.NoError(t, err)
	assert.Zero(t, p.layers.ByName("dspex.program.execution"))
	assert.Nil(t, p.keys.get("request_id"))
	assert.Empty(t, p.traceWide)
	assert.NotNil(t, p.keys.get("foundation_os.layer"))
}
