package layerenricher

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// testdata/README.md says which case shows which fact. A fact whose case was
// renamed away, a case that nobody can find, and an alias or a canonical
// attribute of the preset that no case has, would go unnoticed without this.
func TestEveryWireFactHasAGoldenCase(t *testing.T) {
	text, err := os.ReadFile("testdata/README.md")
	require.NoError(t, err)
	named := map[string]bool{}
	folder := regexp.MustCompile("`((?:traces|logs|metrics)/[a-z_]+)`")
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(line, "|")
		if len(cells) != 4 || strings.HasPrefix(cells[1], "--") || strings.TrimSpace(cells[1]) == "fact" {
			continue
		}
		cases := folder.FindAllStringSubmatch(cells[2], -1)
		assert.NotEmpty(t, cases, "no case of the fact:%s", cells[1])
		for _, c := range cases {
			named[c[1]] = true
		}
	}
	dirs, err := filepath.Glob("testdata/*/*/output.yaml")
	require.NoError(t, err)
	var found []string
	for _, d := range dirs {
		found = append(found, strings.TrimPrefix(filepath.Dir(d), "testdata/"))
	}
	assert.ElementsMatch(t, found, slices.Collect(maps.Keys(named)), "the folders and those that testdata/README.md names")

	keys := func(pattern string) map[string]bool {
		seen := map[string]bool{}
		files, err := filepath.Glob(pattern)
		require.NoError(t, err)
		key := regexp.MustCompile(`(?m)^\s*- key: '?"?([^'"\n]+)`)
		for _, f := range files {
			text, err := os.ReadFile(f)
			require.NoError(t, err)
			for _, m := range key.FindAllStringSubmatch(string(text), -1) {
				seen[m[1]] = true
			}
		}
		return seen
	}
	in, out := keys("testdata/*/*/input*.yaml"), keys("testdata/*/*/output.yaml")
	preset, err := PresetFoundationOS.load()
	require.NoError(t, err)
	for name, row := range preset.Attributes {
		for _, alias := range slices.Concat(row.From, row.FromOnEvents, row.FromOnOurs) {
			assert.True(t, in[alias], "no input has %s, an alias of %s", alias, name)
		}
		written := out[name]
		if row.Kind == kindCustom {
			written = slices.ContainsFunc(slices.Collect(maps.Keys(out)), func(k string) bool { return strings.HasPrefix(k, name+".") })
		}
		assert.True(t, written, "no output has %s", name)
	}
	for field, names := range preset.Fields {
		for _, name := range names {
			assert.True(t, in[name], "no input has %s, from which %s is read", name, field)
		}
	}
	for _, name := range preset.Numbers {
		assert.True(t, in[name], "no input has the number %s", name)
	}
}
