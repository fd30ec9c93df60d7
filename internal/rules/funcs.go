package rules

import (
	"errors"
	"fmt"
	htmltemplate "html/template"
	"math"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"text/template"
	"time"

	"github.com/prometheus/common/helpers/templates"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/util/strutil"
	"golang.org/x/text/cases"
	"golang.org/x/text/language"
)

// element is one element of a query's result, as templates see it.
type element struct {
	Labels map[string]string
	Value  any
}

// funcs are the functions of Prometheus' templates. Upstream builds them for
// every expansion and parses the template again each time, which is most of the
// cost of a rule with many alerts; these are bound once. A test compares their
// names and results with upstream's.
func (x *expander) funcs() template.FuncMap {
	return template.FuncMap{
		"query": func(q string) ([]*element, error) {
			if x.query == nil {
				return nil, errors.New("no query function")
			}
			vec, err := x.query(q)
			return elements(vec), err
		},
		"first": func(es []*element) (*element, error) {
			if len(es) == 0 {
				return nil, errors.New("first() called on vector with no elements")
			}
			return es[0], nil
		},
		"label":    func(name string, e *element) string { return e.Labels[name] },
		"value":    func(e *element) any { return e.Value },
		"strvalue": func(e *element) string { return e.Labels["__value__"] },
		"sortByLabel": func(name string, es []*element) []*element {
			slices.SortStableFunc(es, func(a, b *element) int { return strings.Compare(a.Labels[name], b.Labels[name]) })
			return es
		},
		"args": func(list ...any) map[string]any {
			m := make(map[string]any, len(list))
			for i, a := range list {
				m[fmt.Sprintf("arg%d", i)] = a
			}
			return m
		},
		"reReplaceAll": func(pattern, with, in string) (string, error) {
			re, err := regexp.Compile(pattern)
			if err != nil {
				return "", err
			}
			return re.ReplaceAllString(in, with), nil
		},
		"match":              regexp.MatchString,
		"safeHtml":           func(s string) htmltemplate.HTML { return htmltemplate.HTML(s) }, //nolint:gosec // output is text, never a page
		"title":              func(s string) string { return cases.Title(language.AmericanEnglish, cases.NoLower).String(s) },
		"toUpper":            strings.ToUpper,
		"toLower":            strings.ToLower,
		"graphLink":          strutil.GraphLinkForExpression,
		"tableLink":          strutil.TableLinkForExpression,
		"stripPort":          stripPort,
		"stripDomain":        stripDomain,
		"humanize":           humanizeWith(1000, "", " kMGTPEZY", " munpfazy"),
		"humanize1024":       humanizeWith(1024, "i", " kMGTPEZY", ""),
		"humanizeDuration":   templates.HumanizeDuration,
		"humanizeTimestamp":  templates.HumanizeTimestamp,
		"humanizePercentage": onFloat(func(v float64) (string, error) { return fmt.Sprintf("%.4g%%", v*100), nil }),
		"toTime":             onFloat(secondsToTime),
		"toDuration": onFloat(func(v float64) (*time.Duration, error) {
			d := time.Duration(v * float64(time.Second))
			return &d, nil
		}),
		"now":         func() float64 { return float64(x.now) / 1000 },
		"pathPrefix":  func() string { return x.url.Path },
		"externalURL": func() string { return x.url.String() },
		"parseDuration": func(s string) (float64, error) {
			d, err := model.ParseDurationAllowNegative(s)
			return time.Duration(d).Seconds(), err
		},
		"urlQueryEscape": url.QueryEscape,
	}
}

func elements(vec promql.Vector) []*element {
	es := make([]*element, len(vec))
	for i, s := range vec {
		es[i] = &element{Labels: s.Metric.Map(), Value: s.F}
		if s.H != nil {
			es[i].Value = s.H
		}
	}
	return es
}

// onFloat takes whatever templates.ConvertToFloat does: numbers and strings.
func onFloat[T any](f func(float64) (T, error)) func(any) (T, error) {
	return func(in any) (T, error) {
		v, err := templates.ConvertToFloat(in)
		if err != nil {
			var zero T
			return zero, err
		}
		return f(v)
	}
}

// humanizeWith scales a number by its unit's powers. Each prefix string holds
// one letter for each power, beginning with the zeroth, which has none; without
// small prefixes, numbers up to 1 stay as they are.
func humanizeWith(base float64, suffix, large, small string) func(any) (string, error) {
	return onFloat(func(v float64) (string, error) {
		abs := math.Abs(v)
		plain := v == 0 || math.IsNaN(v) || math.IsInf(v, 0) || small == "" && abs <= 1
		power := 0
		prefixes := large
		switch {
		case plain:
		case abs >= 1:
			for ; math.Abs(v) >= base && power < len(large)-1; power++ {
				v /= base
			}
		default:
			prefixes = small
			for ; math.Abs(v) < 1 && power < len(small)-1; power++ {
				v *= base
			}
		}
		if power == 0 {
			return fmt.Sprintf("%.4g", v), nil
		}
		return fmt.Sprintf("%.4g%c%s", v, prefixes[power], suffix), nil
	})
}

func stripPort(hostPort string) string {
	host, _, err := net.SplitHostPort(hostPort)
	if err != nil {
		return hostPort
	}
	return host
}

// stripDomain leaves addresses alone and keeps the port.
func stripDomain(hostPort string) string {
	host, port, err := net.SplitHostPort(hostPort)
	if err != nil {
		host, port = hostPort, ""
	}
	if net.ParseIP(host) != nil {
		return hostPort
	}
	host, _, _ = strings.Cut(host, ".")
	if port != "" {
		return net.JoinHostPort(host, port)
	}
	return host
}
