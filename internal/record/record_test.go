package record

import (
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

func sealed(payload string) []byte {
	b := append(Begin(3, 77, len(payload)), payload...)
	Seal(b)
	return b
}

func TestOpen(t *testing.T) {
	whole := sealed("what was normal")
	change := func(f func(b []byte) []byte) []byte { return f(append([]byte(nil), whole...)) }
	for name, c := range map[string]struct {
		b    []byte
		want error
	}{
		"whole":                 {whole, nil},
		"empty payload":         {sealed(""), nil},
		"nothing":               {nil, ErrCorrupt},
		"half a header":         {whole[:20], ErrCorrupt},
		"truncated":             {whole[:len(whole)-1], ErrCorrupt},
		"too long":              {append(append([]byte(nil), whole...), 0), ErrCorrupt},
		"something else":        {[]byte(strings.Repeat("x", 100)), ErrCorrupt},
		"another version":       {change(func(b []byte) []byte { b[versionAt]++; return b }), ErrVersion},
		"the configuration bit": {change(func(b []byte) []byte { b[configAt] ^= 1; return b }), ErrCorrupt},
	} {
		if _, err := Open(c.b, 3, 77); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Open(whole, 3, 78); !errors.Is(err, ErrConfiguration) {
		t.Error(err)
	}
	if got, err := Open(whole, 3, 77); err != nil || string(got) != "what was normal" {
		t.Error(got, err)
	}
}

// Each bit of a record matters.
func TestOneBitIsEnough(t *testing.T) {
	whole := sealed("what was normal")
	for i := range len(whole) * 8 {
		whole[i/8] ^= 1 << (i % 8)
		if _, err := Open(whole, 3, 77); err == nil {
			t.Errorf("bit %d was not missed", i)
		}
		whole[i/8] ^= 1 << (i % 8)
	}
}

func TestReaderReadsWhatWasAppended(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 200 {
		u, i, f, ok := rng.Uint64()>>rng.IntN(64), rng.Int64()>>rng.IntN(64)-rng.Int64N(99), rng.NormFloat64(), rng.IntN(2) == 0
		floats, counts, small := make([]float64, rng.IntN(9)), make([]uint64, rng.IntN(9)), make([]uint32, rng.IntN(9))
		for k := range floats {
			floats[k] = rng.NormFloat64()
		}
		for k := range counts {
			counts[k] = rng.Uint64() >> rng.IntN(64)
		}
		for k := range small {
			small[k] = rng.Uint32() >> rng.IntN(32)
		}
		b := binary.AppendUvarint(nil, u)
		b = binary.AppendVarint(b, i)
		b = AppendFloat(b, f)
		b = AppendBool(b, ok)
		b = AppendFloats(b, floats)
		b = AppendCounts(b, counts)
		b = AppendCounts(b, small)
		text := strings.Repeat("\xff\x00é", rng.IntN(3)) + "end"
		b = AppendString(b, text)
		for cut := range b { // a part of it fails, and nothing else happens
			r := NewReader(b[:cut])
			r.Uint()
			r.Int()
			r.Float()
			r.Bool()
			r.Floats(9)
			r.Counts(9)
			r.Counts32(9)
			_ = r.String(99)
			if !errors.Is(r.Err(), ErrCorrupt) {
				t.Fatalf("%d of %d bytes were enough", cut, len(b))
			}
		}
		r := NewReader(b)
		if r.Uint() != u || r.Int() != i || r.Float() != f || r.Bool() != ok {
			t.Fatal("another number")
		}
		for k, v := range r.Floats(9) {
			if v != floats[k] {
				t.Fatal("another float")
			}
		}
		for k, v := range r.Counts(9) {
			if v != counts[k] {
				t.Fatal("another count")
			}
		}
		for k, v := range r.Counts32(9) {
			if v != small[k] {
				t.Fatal("another small count")
			}
		}
		if s := r.String(99); s != text {
			t.Fatal("another text")
		}
		if err := r.Err(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestReaderRefuses(t *testing.T) {
	for name, read := range map[string]func(r *Reader){
		"more elements than bytes":  func(r *Reader) { r.Counts(math.MaxInt) },
		"more floats than bytes":    func(r *Reader) { r.Floats(math.MaxInt) },
		"more elements than wanted": func(r *Reader) { r.Len(3, 1) },
		"a string too long":         func(r *Reader) { _ = r.String(3) },
		"a bool of 4":               func(r *Reader) { r.Bool() },
		"an int out of range":       func(r *Reader) { r.IntWithin(100, 200) },
		"left over":                 func(*Reader) {},
	} {
		r := NewReader([]byte{4, 1, 1})
		read(r)
		if r.Err() == nil {
			t.Error(name)
		}
	}
	r := NewReader(AppendFloats(nil, []float64{math.NaN()}))
	if r.Floats(1); r.Err() == nil {
		t.Error("not a number")
	}
	r = NewReader(binary.AppendUvarint(nil, 1<<32))
	if r.Uint32(); r.Err() == nil {
		t.Error("33 bits")
	}
}

func FuzzOpen(f *testing.F) {
	f.Add(sealed(""))
	f.Add(sealed("what was normal"))
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, b []byte) {
		if payload, err := Open(b, 3, 77); err == nil && len(payload) != len(b)-headerSize {
			t.Error("another length")
		}
	})
}
