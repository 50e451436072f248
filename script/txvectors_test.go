package script

import (
	"errors"
	"fmt"
	"testing"

	"cheese/coin"
)

// txVector is one line of tx_valid.json or tx_invalid.json.
type txVector struct {
	name  string
	spend *Spend
	flags string
}

// txVectors reads the lines whose transaction is at least well formed; the context-free rules are consensus's to test.
func txVectors(t *testing.T, file string) (vectors []txVector) {
	for i, line := range jsonVector[[][]any](t, file) {
		if len(line) != 3 || line[2] == "BADTX" {
			continue
		}
		prev := map[coin.OutPoint]coin.TxOut{}
		for _, entry := range line[0].([]any) {
			e := entry.([]any)
			out := coin.TxOut{Script: assemble(t, e[2].(string))}
			if len(e) > 3 {
				out.Value = coin.Amount(e[3].(float64))
			}
			prev[coin.OutPoint{Hash: coin.MustHash(e[0].(string)), Index: uint32(int64(e[1].(float64)))}] = out
		}
		tx, err := coin.ParseTx(unhex(t, line[1].(string)))
		if err != nil {
			t.Fatalf("%s line %d: %v", file, i, err)
		}
		outs := make([]coin.TxOut, len(tx.In))
		for j := range tx.In {
			outs[j] = prev[tx.In[j].Prev]
		}
		vectors = append(vectors, txVector{name: fmt.Sprintf("%s line %d", file, i), spend: NewSpend(tx, outs), flags: line[2].(string)})
	}
	return vectors
}

// trim drops flags that need others which are off; fill adds what the flags need.
func trim(f Flags) Flags {
	if !f.has(P2SH) {
		f &^= Witness
	}
	if !f.has(Witness) {
		f &^= CleanStack
	}
	return f
}

func fill(f Flags) Flags {
	if f.has(CleanStack) {
		f |= Witness
	}
	if f.has(Witness) {
		f |= P2SH
	}
	return f
}

func TestValidTransactionVectors(t *testing.T) {
	v, differ := NewVerifier(10_000, 1), 0
	for _, test := range txVectors(t, "tx_valid.json") {
		excluded := parseFlags(t, test.flags)
		verify := func(flags Flags, want bool) {
			err := v.Verify(test.spend.Checks(flags))
			var failure *Error
			switch {
			case (err == nil) == want:
			case errors.As(err, &failure) && failure.Text == string(newNop) && !flags.has(CLTV|CSV):
				differ++ // see "a lock operation that is still a NOP" among the known differences
			default:
				t.Errorf("%s under %#x, want valid %v: %v", test.name, uint32(flags), want, err)
			}
		}
		verify(allFlags&^excluded, true)
		for bit := range len(coreFlags) {
			verify(trim(allFlags&^(excluded|1<<bit)), true) // fewer rules never make it invalid
			if fewer := trim(excluded &^ (1 << bit)); fewer != excluded {
				verify(allFlags&^fewer, false) // every rule left out is one it breaks
			}
		}
	}
	if differ == 0 {
		t.Error("lock operations that are still NOPs are no longer a known difference")
	}
}

func TestInvalidTransactionVectors(t *testing.T) {
	v := NewVerifier(10_000, 1)
	for _, test := range txVectors(t, "tx_invalid.json") {
		flags := parseFlags(t, test.flags)
		verify := func(flags Flags, want bool) {
			if err := v.Verify(test.spend.Checks(flags)); (err == nil) != want {
				t.Errorf("%s under %#x, want valid %v: %v", test.name, uint32(flags), want, err)
			}
		}
		verify(flags, false)
		for bit := range len(coreFlags) {
			verify(fill(flags|1<<bit), false) // more rules never make it valid
			if fewer := trim(flags &^ (1 << bit)); fewer != flags {
				verify(fewer, true) // every rule is needed to refuse it
			}
		}
	}
}
