package inference

import "strings"

const elixirPrefix = "Elixir."

// Cleaner takes off values what the BEAM's exporters put on them.
type Cleaner struct{ nils words }

// NewCleaner builds a Cleaner: a value that is one of nils is no value.
func NewCleaner(nils []string) *Cleaner {
	c := &Cleaner{}
	for _, n := range nils {
		if len(n) <= maxNil {
			c.nils.add(n, "")
		}
	}
	return c
}

// Text is the value without surrounding space and without the "Elixir." of a
// module; false when nothing is left, or only a nil.
func (c *Cleaner) Text(s string) (string, bool) {
	if len(s) > 0 && (s[0] <= ' ' || s[len(s)-1] <= ' ') {
		s = strings.TrimSpace(s)
	}
	for len(s) > len(elixirPrefix) && s[0] == 'E' && strings.HasPrefix(s, elixirPrefix) {
		s = s[len(elixirPrefix):]
	}
	if s == "" || len(s) <= maxNil && c.isNil(s) {
		return "", false
	}
	return s, true
}

// maxNil bounds the lookup of nils; longer values are data.
const maxNil = 32

func (c *Cleaner) isNil(s string) bool {
	if s[0] == ':' {
		s = s[1:]
	}
	_, ok := c.nils.get(s)
	return ok
}

// words says what some short texts mean. They are kept by their length: nearly
// every text that is looked up has no word's length, and so needs no hash.
type words [][]word

type word struct{ text, means string }

func (w *words) add(text, means string) {
	for len(*w) <= len(text) {
		*w = append(*w, nil)
	}
	of := (*w)[len(text)]
	for i := range of {
		if of[i].text == text {
			of[i].means = means
			return
		}
	}
	(*w)[len(text)] = append(of, word{text, means})
}

func (w words) get(text string) (means string, ok bool) {
	if len(text) >= len(w) {
		return "", false
	}
	for _, known := range w[len(text)] {
		if known.text == text {
			return known.means, true
		}
	}
	return "", false
}

// Atom is Text without the colon of an inspected atom.
func (c *Cleaner) Atom(s string) (string, bool) {
	s, ok := c.Text(s)
	if !ok || s[0] != ':' {
		return s, ok
	}
	return s[1:], len(s) > 1
}

// Outcomes says which words mean success and which failure.
type Outcomes struct {
	table            words
	success, failure string
}

// NewOutcomes builds the table: canonical outcome -> the words that mean it.
func NewOutcomes(success, failure string, successWords, failureWords []string) *Outcomes {
	o := &Outcomes{success: success, failure: failure}
	for _, w := range successWords {
		o.table.add(w, success)
	}
	for _, w := range failureWords {
		o.table.add(w, failure)
	}
	if success != "" {
		o.table.add(success, success)
		o.table.add(failure, failure)
	}
	return o
}

// Bool is the outcome of a bool; "" when the table is empty.
func (o *Outcomes) Bool(b bool) string {
	if b {
		return o.success
	}
	return o.failure
}

// Word is the outcome of a word, also of the atom `:ok` and of the head of an
// inspected tuple `{:ok, ...}`; "" for other words.
func (o *Outcomes) Word(s string) string {
	if out, ok := o.table.get(s); ok {
		return out
	}
	s = strings.TrimSpace(s)
	if strings.HasPrefix(s, "{") {
		s, _, _ = strings.Cut(s[1:], ",")
	}
	s = strings.TrimPrefix(s, ":")
	if len(s) > maxNil {
		return ""
	}
	out, _ := o.table.get(strings.ToLower(s))
	return out
}

// State is the canonical form of a state: lower case, no colon, underscores;
// "" when it is none of states.
func State(s string, states []string) string {
	s = strings.TrimPrefix(strings.TrimSpace(s), ":")
	if len(s) > maxNil {
		return ""
	}
	flat := strings.NewReplacer("-", "", "_", "", " ", "").Replace(strings.ToLower(s))
	for _, st := range states {
		if flat == strings.ReplaceAll(st, "_", "") {
			return st
		}
	}
	return ""
}

// StatePair reads a change written as text: `{:closed, :open}`,
// `[:closed, :open]`, `closed -> open`, `closed>open`.
func StatePair(s string, states []string) (from, to string, ok bool) {
	if len(s) > 4*maxNil {
		return "", "", false
	}
	words := strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune("{}[],>\"' ", r) })
	var found []string
	for _, w := range words {
		w = strings.TrimSuffix(w, "-")
		if w == "" {
			continue
		}
		st := State(w, states)
		if st == "" {
			return "", "", false
		}
		found = append(found, st)
	}
	if len(found) != 2 {
		return "", "", false
	}
	return found[0], found[1], true
}
