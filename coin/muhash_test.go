package coin

import (
	"math/big"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// numbered is the element that stands for a small number in Bitcoin Core's tests.
func numbered(n byte) []byte { return append([]byte{n}, make([]byte, 31)...) }

// The value is that of Bitcoin Core's own test.
func TestMuHashKnown(t *testing.T) {
	var m MuHash
	m.Remove(numbered(2))
	m.Insert(numbered(1))
	m.Insert(numbered(0))
	if got := m.Sum().String(); got != "10d312b100cbd32ada024a6646e40d3482fcff103668d2625f10002a607d5863" {
		t.Errorf("hash is %s", got)
	}
}

func TestMuHashForgetsOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		elements := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 0, 40), 1, 8).Draw(t, "elements")
		var all, split, part MuHash
		for i, e := range elements {
			all.Insert(e)
			if i%2 == 0 {
				part.Insert(e)
			}
		}
		extra := rapid.SliceOf(rapid.Byte()).Draw(t, "extra")
		split.Remove(extra)
		for _, i := range rand.Perm(len(elements)) {
			if i%2 != 0 {
				split.Insert(elements[i])
			}
		}
		split.Add(&part)
		split.Insert(extra)
		if all.Sum() != split.Sum() {
			t.Errorf("%v in another order is %v", all.Sum(), split.Sum())
		}
		for _, e := range elements {
			all.Remove(e)
		}
		if all.Sum() != new(MuHash).Sum() {
			t.Error("a set from which all is taken is not empty")
		}
	})
}

// Multiplication agrees with math/big, at the edges of the modulus above all.
func TestMuHashMultiplies(t *testing.T) {
	limb := rapid.OneOf(rapid.Just(^uint64(0)), rapid.Just(^uint64(0)-muPrime), rapid.Just(^uint64(0)-muPrime+1), rapid.Just(uint64(0)), rapid.Just(uint64(1)), rapid.Uint64())
	number := rapid.Custom(func(t *rapid.T) (n muNumber) {
		fill := limb.Draw(t, "fill")
		for i := range n {
			n[i] = fill
		}
		for range rapid.IntRange(0, 3).Draw(t, "others") {
			n[rapid.IntRange(0, muLimbs-1).Draw(t, "at")] = limb.Draw(t, "limb")
		}
		return n
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := number.Draw(t, "a"), number.Draw(t, "b")
		want := new(big.Int).Mul(a.big(), b.big())
		if want.Mod(want, muModulus).Sign() == 0 {
			t.Skip("no element is a multiple of the modulus, and all zeros stand for 1")
		}
		a.multiply(&b)
		if got := new(big.Int).Mod(a.big(), muModulus); got.Cmp(want) != 0 {
			t.Errorf("product is %x, want %x", got, want)
		}
	})
}

func BenchmarkMuHashInsert(b *testing.B) {
	var m MuHash
	for b.Loop() {
		m.Insert(numbered(1))
	}
}
