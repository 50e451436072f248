package coin

import "testing"

func TestRegtestGenesisIsBitcoins(t *testing.T) {
	want := MustHash("0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206")
	if got := Regtest().Genesis.Hash(); got != want {
		t.Fatalf("genesis %v, want %v", got, want)
	}
}

func TestCheeseGenesisMeetsItsTarget(t *testing.T) {
	g := Cheese().Genesis
	if !MeetsTarget(g.Hash(), Target(g.Bits)) {
		t.Fatalf("genesis %v does not meet bits %08x", g.Hash(), g.Bits)
	}
}
