package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// channels are the ways in which an Alertmanager reaches people.
var channels = []string{"email", "slack", "pagerduty", "webhook"}

// notification is one message that a channel got.
type notification struct {
	channel, status string // status: firing or resolved
	text            string // all that it says
}

// notifications is the other end of all channels: an SMTP server, and an HTTP
// server in place of Slack, PagerDuty and a webhook.
type notifications struct {
	http *httptest.Server
	smtp string // host:port

	mu  sync.Mutex
	got []notification
}

func startNotifications(t *testing.T) *notifications {
	t.Helper()
	n := &notifications{}
	mux := http.NewServeMux()
	handle := func(channel string, status int, read func(body map[string]any) string) {
		mux.HandleFunc("POST /"+channel, func(w http.ResponseWriter, r *http.Request) {
			raw, err := io.ReadAll(r.Body)
			assert.NoError(t, err)
			var body map[string]any
			assert.NoError(t, json.Unmarshal(raw, &body), "%s", raw)
			n.add(notification{channel, read(body), flat(body)})
			w.WriteHeader(status)
			_, _ = w.Write([]byte(`{"status":"success"}`))
		})
	}
	handle("webhook", http.StatusOK, func(b map[string]any) string { return fmt.Sprint(b["status"]) })
	handle("slack", http.StatusOK, func(b map[string]any) string { return statusOf(flat(b)) })
	handle("pagerduty", http.StatusAccepted, func(b map[string]any) string {
		return map[any]string{"trigger": "firing", "resolve": "resolved"}[b["event_action"]]
	})
	n.http = httptest.NewServer(mux)
	t.Cleanup(n.http.Close)

	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	n.smtp = l.Addr().String()
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go n.takeMail(t, conn)
		}
	}()
	return n
}

func (n *notifications) add(m notification) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.got = append(n.got, m)
}

// of are the messages of a channel with this status; "" = all of it.
func (n *notifications) of(channel, status string) (out []notification) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, m := range n.got {
		if m.channel == channel && (status == "" || m.status == status) {
			out = append(out, m)
		}
	}
	return out
}

// takeMail is as much of an SMTP server as a client needs.
func (n *notifications) takeMail(t *testing.T, conn net.Conn) {
	defer conn.Close()
	say := func(line string) { _, _ = io.WriteString(conn, line+"\r\n") }
	say("220 sink")
	in := bufio.NewReader(conn)
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		switch verb := strings.ToUpper(strings.TrimSpace(line)); {
		case verb == "QUIT":
			say("221 bye")
			return
		case verb == "DATA":
			say("354 go on")
			var text strings.Builder
			for {
				line, err := in.ReadString('\n')
				if err != nil {
					return
				}
				if line == ".\r\n" {
					break
				}
				text.WriteString(strings.TrimPrefix(line, "."))
			}
			mail := readMail(t, text.String())
			n.add(notification{"email", statusOf(mail), mail})
			say("250 taken")
		default:
			say("250 sink")
		}
	}
}

// readMail is a mail's subject and its text parts.
func readMail(t *testing.T, raw string) string {
	m, err := mail.ReadMessage(strings.NewReader(raw))
	if !assert.NoError(t, err) {
		return raw
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	assert.NoError(t, err)
	_, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	assert.NoError(t, err)
	out := []string{subject}
	for parts := multipart.NewReader(m.Body, params["boundary"]); ; {
		// raw: NextPart would decode quoted-printable and drop the header that says so
		part, err := parts.NextRawPart()
		if err != nil {
			return strings.Join(out, "\n")
		}
		var body io.Reader = part
		if part.Header.Get("Content-Transfer-Encoding") == "quoted-printable" {
			body = quotedprintable.NewReader(part)
		}
		text, err := io.ReadAll(body)
		assert.NoError(t, err)
		out = append(out, string(text))
	}
}

// flat is every string of a JSON value, one a line.
func flat(v any) string {
	switch v := v.(type) {
	case map[string]any:
		var out []string
		for _, e := range v {
			out = append(out, flat(e))
		}
		return strings.Join(out, "\n")
	case []any:
		var out []string
		for _, e := range v {
			out = append(out, flat(e))
		}
		return strings.Join(out, "\n")
	}
	return fmt.Sprint(v)
}

// statusOf reads the title that examples/alertmanager/foundation.tmpl writes.
func statusOf(text string) string {
	switch {
	case strings.Contains(text, "[FIRING:"):
		return "firing"
	case strings.Contains(text, "[RESOLVED]"):
		return "resolved"
	}
	return "unknown"
}
