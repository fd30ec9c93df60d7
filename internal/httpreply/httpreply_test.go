package httpreply

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestPause(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"":                              0,
		"7":                             7 * time.Second,
		" 7 ":                           7 * time.Second,
		"-7":                            0,
		"99999999999999999999":          0,
		"soon":                          0,
		"Mon, 23 Nov 2026 12:00:30 GMT": 30 * time.Second,
		"Mon, 23 Nov 2026 11:00:00 GMT": 0,
	} {
		assert.Equal(t, want, Pause(http.Header{"Retry-After": {value}}, now, "Retry-After"), value)
	}
	both := http.Header{"Retry-After": {"soon"}, "X-Ratelimit-Reset": {"3"}}
	assert.Equal(t, 3*time.Second, Pause(both, now, "Retry-After", "X-RateLimit-Reset"), "the first that can be read")
	assert.Zero(t, Pause(both, now))
}

func TestExcerpt(t *testing.T) {
	assert.Equal(t, "no [key] here", Excerpt("no hunter2\nhere", "hunter2"))
	assert.Equal(t, "as it is", Excerpt("as it is", ""))
	long := Excerpt(strings.Repeat("é", 300), "")
	assert.Equal(t, strings.Repeat("é", 128)+"…", long)
	assert.NotContains(t, Excerpt("\x1b[31m\xff", ""), "\x1b")
}
