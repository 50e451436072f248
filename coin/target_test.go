package coin

import (
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

// The rows are those of Core's own tests of compact targets.
func TestCompactTargets(t *testing.T) {
	for _, c := range []struct {
		bits uint32
		want string // hexadecimal, "" where no block may have the bits
		back uint32
	}{
		{0, "", 0}, {0x00123456, "", 0}, {0x01003456, "", 0}, {0x02000056, "", 0}, {0x04000000, "", 0}, {0x00923456, "", 0},
		{0x01803456, "", 0}, {0x04923456, "", 0}, {0x01fedcba, "", 0}, {0xff123456, "", 0},
		{0x01123456, "12", 0x01120000}, {0x02123456, "1234", 0x02123400}, {0x03123456, "123456", 0x03123456}, {0x04123456, "12345600", 0x04123456},
		{0x05009234, "92340000", 0x05009234}, {0x20123456, "1234560000000000000000000000000000000000000000000000000000000000", 0x20123456},
		{0x2100ffff, "ffff000000000000000000000000000000000000000000000000000000000000", 0x2100ffff}, {0x21010000, "", 0},
		{0x220000ff, "ff00000000000000000000000000000000000000000000000000000000000000", 0x2100ff00}, {0x22000100, "", 0}, {0x23000001, "", 0},
	} {
		got := Target(c.bits)
		if c.want == "" {
			if got != nil {
				t.Errorf("%08x: %x, want none", c.bits, got)
			}
			continue
		}
		if got == nil || got.Text(16) != c.want || Compact(got) != c.back {
			t.Errorf("%08x: %x, want %s, back %08x", c.bits, got, c.want, c.back)
		}
	}
}

func TestCompactRoundsDown(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		target := new(big.Int).SetBytes(rapid.SliceOfN(rapid.Byte(), 1, 32).Draw(t, "target"))
		if target.Sign() == 0 {
			return
		}
		back := Target(Compact(target))
		lost := new(big.Int).Sub(target, back)
		if lost.Sign() < 0 || lost.Lsh(lost, 15).Cmp(target) > 0 {
			t.Fatalf("%x becomes %x", target, back)
		}
		if Compact(back) != Compact(target) {
			t.Fatalf("%x is not stable", target)
		}
	})
}

func TestWorkAndDifficulty(t *testing.T) {
	for _, c := range []struct {
		bits       uint32
		work       int64
		difficulty float64
	}{{0x207fffff, 2, 4.656542373906925e-10}, {0x1d00ffff, 4295032833, 1}, {0x1b0404cb, 70040908352512, 16307.420938523983}, {0, 0, 0}} {
		if got := Work(c.bits); got.Int64() != c.work {
			t.Errorf("%08x: %v hashes, want %d", c.bits, got, c.work)
		}
		if got := Difficulty(c.bits); math.Abs(got-c.difficulty) > 1e-12*c.difficulty {
			t.Errorf("%08x: difficulty %v, want %v", c.bits, got, c.difficulty)
		}
	}
}

func TestMeetsTargetIsInclusive(t *testing.T) {
	h := Hash{0: 5, 31: 1} // the last byte weighs most
	n := new(big.Int).Add(new(big.Int).Lsh(big.NewInt(1), 248), big.NewInt(5))
	if !MeetsTarget(h, n) || MeetsTarget(h, new(big.Int).Sub(n, big.NewInt(1))) {
		t.Error("a hash meets targets from its own number on")
	}
	if h != (Hash{0: 5, 31: 1}) {
		t.Error("the hash was changed")
	}
}
