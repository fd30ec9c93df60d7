package episode

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// A line of evaluations (s suspect, - between the thresholds, c cleared) against
// the states after each: n p D R.
func TestMachine(t *testing.T) {
	for _, c := range []struct {
		rule              Rule
		given, want, name string
	}{
		{Rule{2, 3, 3}, "ccc-c", "nnnnn", "nothing"},
		{Rule{2, 3, 3}, "sccc", "pppn", "a single one goes away"},
		{Rule{2, 3, 3}, "s---", "pppn", "it goes away by not being suspect"},
		{Rule{2, 3, 3}, "ss", "pD", "two in a row"},
		{Rule{2, 3, 3}, "scs", "ppD", "two of three"},
		{Rule{2, 3, 3}, "sccs", "pppp", "two of four"},
		{Rule{2, 3, 3}, "ssccc", "pDRRn", "three cleared"},
		{Rule{2, 3, 3}, "sscc-ccc", "pDRRDRRn", "they must be in a row"},
		{Rule{2, 3, 3}, "ss-----", "pDDDDDD", "between the thresholds it stays"},
		{Rule{2, 3, 3}, "ssccccs", "pDRRnnp", "the past is forgotten"},
		{Rule{1, 1, 1}, "scs", "DnD", "at once"},
		{Rule{3, 5, 2}, "s-s-s", "ppppD", "three of five"},
		{Rule{3, 5, 2}, "s-s--s", "pppppp", "three of six"},
		{Rule{64, 64, 1}, strings.Repeat("s", 64), strings.Repeat("p", 63) + "D", "as far back as it goes"},
	} {
		var m Machine
		if m.Step(c.rule, Evaluation{Suspect: true}) != Learning {
			t.Error("learning judges nothing")
		}
		m.Reset()
		got := ""
		for i, g := range c.given {
			s := m.Step(c.rule, Evaluation{Time: int64(i), From: int64(i), Suspect: g == 's', Cleared: g == 'c'})
			got += string("lnpDR"[s])
		}
		if got != c.want {
			t.Errorf("%s: %s gives %s, want %s", c.name, c.given, got, c.want)
		}
	}
}

func TestSinceAndFrom(t *testing.T) {
	var m Machine
	m.Reset()
	m.Step(Rule{2, 3, 3}, Evaluation{Time: 7, From: 5, Suspect: true})
	m.Step(Rule{2, 3, 3}, Evaluation{Time: 8, From: 8})
	m.Step(Rule{2, 3, 3}, Evaluation{Time: 9, From: 9, Suspect: true})
	m.Step(Rule{2, 3, 3}, Evaluation{Time: 10, From: 10, Cleared: true})
	if from, _ := m.Suspects(); from != 5 || m.Since() != 9 || m.State() != Recovering || !m.InEpisode() {
		t.Errorf("%+v", m)
	}
}

// Against the definition over the whole past.
func TestAgainstAList(t *testing.T) {
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 1))
		r := Rule{N: 1 + rng.IntN(8), Clear: 1 + rng.IntN(4)}
		r.M = 1 + rng.IntN(r.N)
		var m Machine
		m.Reset()
		var past []Evaluation // since the last change between in and out of an episode
		in := false
		for range 300 {
			e := Evaluation{Suspect: rng.IntN(3) == 0}
			e.Cleared = !e.Suspect && rng.IntN(3) > 0
			past = append(past, e)
			suspects, cleared := 0, 0
			for _, p := range past[max(0, len(past)-r.N):] {
				if p.Suspect {
					suspects++
				}
			}
			for i := len(past) - 1; i >= 0 && past[i].Cleared; i-- {
				cleared++
			}
			if !in && suspects >= r.M || in && cleared >= r.Clear {
				in, past = !in, nil
			}
			m.Step(r, e)
			if m.InEpisode() != in {
				t.Fatalf("seed %d: in %v, want %v", seed, m.InEpisode(), in)
			}
			if m.State() == Pending != (!in && len(past) > 0 && suspects > 0) {
				t.Fatalf("seed %d: %v with %d suspects", seed, m.State(), suspects)
			}
		}
	}
}

// The suspects that still count, when the first of them is out of reach.
func TestSuspects(t *testing.T) {
	var m Machine
	m.Reset()
	for i, c := range []struct {
		suspect     bool
		from        int64
		evaluations int
	}{{true, 10, 1}, {false, 10, 2}, {true, 10, 3}, {false, 10, 4}, {false, 0, 3}, {true, 0, 4}, {false, 0, 2}, {false, 0, 3}, {false, 0, 4}, {false, 0, 0}, {true, 20, 1}} {
		m.Step(Rule{3, 4, 1}, Evaluation{Time: int64(10 + i), From: int64(10 + i), Suspect: c.suspect})
		if from, n := m.Suspects(); from != c.from || n != c.evaluations {
			t.Errorf("%d: %d, %d, want %d, %d", i, from, n, c.from, c.evaluations)
		}
	}
}

// One that is sure needs no other, and is a suspect like others where it comes
// before the episode.
func TestSure(t *testing.T) {
	r := Rule{M: 3, N: 4, Clear: 1}
	var m Machine
	m.Reset()
	if s := m.Step(r, Evaluation{Time: 10, From: 8, Suspect: true}); s != Pending {
		t.Fatal(s)
	}
	if s := m.Step(r, Evaluation{Time: 20, From: 20, Sure: true}); s != Degraded || m.Since() != 20 {
		t.Fatal(s, m.Since())
	}
}
