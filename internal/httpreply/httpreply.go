package httpreply

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxExcerpt is how much of a reply an error quotes, in bytes.
const maxExcerpt = 256

// Pause is how long the server asks to be left alone: the first of the headers
// that holds seconds, or a date after now. 0 when none does.
func Pause(h http.Header, now time.Time, headers ...string) time.Duration {
	for _, name := range headers {
		v := strings.TrimSpace(h.Get(name))
		if s, err := strconv.ParseUint(v, 10, 31); err == nil {
			return time.Duration(s) * time.Second
		}
		if t, err := http.ParseTime(v); err == nil && t.After(now) {
			return t.Sub(now)
		}
	}
	return 0
}

// Excerpt makes a reply fit for an error: short, printable, and without the
// secret (if there is one), which a proxy may echo.
func Excerpt(text, secret string) string {
	if secret != "" {
		text = strings.ReplaceAll(text, secret, "[key]")
	}
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == 0xfffd {
			return ' '
		}
		return r
	}, text)
	if len(text) > maxExcerpt {
		text = strings.ToValidUTF8(text[:maxExcerpt], "") + "…"
	}
	return text
}
