package measure

import "testing"

func TestLayoutsAreShared(t *testing.T) {
	var l layouts
	layout := func(i int) []float64 { return []float64{float64(i), float64(i) + 1} }
	mine := layout(0)
	first := l.share(mine)
	mine[0] = 99 // the caller's memory is its own
	for i := range maxLayouts {
		if got := l.share(layout(i)); got[0] != float64(i) {
			t.Fatal(got)
		}
		if again := l.share(layout(0)); &again[0] != &first[0] {
			t.Fatal("not the same after", i)
		}
	}
	for i := range 1000 { // more than fit
		if got := l.share(layout(i)); got[0] != float64(i) || got[1] != float64(i)+1 {
			t.Fatal(got)
		}
	}
	if first[0] != 0 || first[1] != 1 {
		t.Fatal("changed:", first)
	}
	if l.share(nil) != nil {
		t.Fatal("none")
	}
}
