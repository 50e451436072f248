package script

import (
	"slices"
	"testing"

	"cheese/coin"

	"pgregory.net/rapid"
)

// fastTemplates are signed spends of the templates judged without an engine, one input each.
func fastTemplates() (txs []*coin.Tx, prevs [][]coin.TxOut) {
	for _, tpl := range templates() {
		if tpl.fast {
			tx, prev := signedSpend(tpl)
			txs, prevs = append(txs, tx), append(prevs, prev)
		}
	}
	return txs, prevs
}

// agree fails the test where the direct judgement of the first input differs from the engine's.
func agree(t interface {
	Helper()
	Fatalf(string, ...any)
}, v *Verifier, tx *coin.Tx, prev []coin.TxOut, flags Flags) {
	t.Helper()
	c := &Check{Spend: NewSpend(tx, prev), Flags: flags}
	fast, decided := v.fast(c)
	if !decided {
		return
	}
	if version, program, ok := WitnessProgram(prev[0].Script); ok && version == 1 && len(program) == 32 && !flags.has(Taproot) {
		return // the engine leaves its stack untidy here, against CleanStack
	}
	slow := v.engine.check(c)
	if slow == schnorrSig && (fast == schnorrType || fast == schnorrSize) {
		return // Core looks at a signature's form first, the engine at the key's
	}
	if fast != slow {
		t.Fatalf("under %#x: judged %q directly, %q by the engine\ntx %x\nspent %x", uint32(flags), fast, slow, tx.Bytes(), prev[0].Script)
	}
}

// mangle changes a spend of one input in one of many small ways that how picks.
func mangle(tx *coin.Tx, prev []coin.TxOut, how, at int, b byte) {
	in := &tx.In[0]
	edit := func(s []byte) []byte {
		s = slices.Clone(s)
		if len(s) == 0 {
			return []byte{b}
		}
		switch at %= len(s); how / 8 % 4 {
		case 0:
			s[at] = b
		case 1:
			s = slices.Delete(s, at, at+1)
		case 2:
			s = slices.Insert(s, at, b)
		default:
			s[len(s)-1] = b // the hash type of a signature
		}
		return s
	}
	switch n := len(in.Witness); how % 8 {
	case 0:
		in.Script = edit(in.Script)
	case 1:
		prev[0].Script = edit(prev[0].Script)
	case 2, 3:
		if n > 0 {
			in.Witness[0] = edit(in.Witness[0])
		} else if len(in.Script) > 72 {
			in.Script = slices.Concat(in.Script[:1], edit(in.Script[1:72]), in.Script[72:])
		}
	case 4:
		in.Witness = append(in.Witness, edit([]byte{b}))
	case 5:
		if n > 0 {
			in.Witness[n-1] = edit(in.Witness[n-1])
		}
	case 6:
		if n > 0 {
			in.Witness = in.Witness[:n-1]
		}
	case 7:
		prev[0].Value = coin.Amount(b)
	}
}

func TestDirectJudgementAgreesWithTheEngine(t *testing.T) {
	v := NewVerifier(1000, 1)
	txs, prevs := fastTemplates()
	rapid.Check(t, func(t *rapid.T) {
		i := rapid.IntRange(0, len(txs)-1).Draw(t, "template")
		tx, prev := txs[i].Clone(), slices.Clone(prevs[i])
		for range rapid.IntRange(0, 2).Draw(t, "changes") {
			mangle(tx, prev, rapid.IntRange(0, 31).Draw(t, "how"), rapid.IntRange(0, 200).Draw(t, "at"), rapid.Byte().Draw(t, "byte"))
		}
		agree(t, v, tx, prev, fill(Flags(rapid.Uint32Range(0, uint32(allFlags)).Draw(t, "flags"))))
	})
}

// FuzzDirectJudgement feeds arbitrary input scripts, witnesses and outputs to the templates' judges and the engine.
func FuzzDirectJudgement(f *testing.F) {
	txs, prevs := fastTemplates()
	for i, tx := range txs {
		var sig, key []byte
		for j, item := range tx.In[0].Witness {
			if j == 0 {
				sig = item
			} else {
				key = item
			}
		}
		f.Add(prevs[i][0].Script, tx.In[0].Script, len(tx.In[0].Witness), sig, key, uint32(Standard))
	}
	v := NewVerifier(1000, 1)
	f.Fuzz(func(t *testing.T, output, input []byte, items int, first, second []byte, flags uint32) {
		tx, prev := txs[0].Clone(), slices.Clone(prevs[0])
		prev[0].Script = output
		tx.In[0].Script = input
		tx.In[0].Witness = [][]byte{first, second, first}[:max(0, min(items, 3))]
		agree(t, v, tx, prev, fill(Flags(flags)&allFlags))
	})
}

// FuzzVerify holds the verifier to its word on scripts of every kind: it never panics, says the same twice, and what
// passes under all rules passes under the mandatory ones.
func FuzzVerify(f *testing.F) {
	for _, tpl := range templates() {
		tx, prev := signedSpend(tpl)
		f.Add(tx.Bytes(), prev[0].Script)
	}
	f.Fuzz(func(t *testing.T, raw, output []byte) {
		tx, err := coin.ParseTx(raw)
		if err != nil || len(tx.In) == 0 {
			return
		}
		prev := slices.Repeat([]coin.TxOut{{Value: 1000, Script: output}}, len(tx.In))
		v := NewVerifier(16, 1)
		strict := judge(v, tx, prev, Standard)
		if again := judge(v, tx, prev, Standard); again != strict {
			t.Fatalf("first %q, then %q", strict, again)
		}
		if why := judge(v, tx, prev, Mandatory); strict == valid && why != valid {
			t.Fatalf("standard but invalid: %s", why)
		}
		SigOpCost(tx, prev, Standard)
		Disassemble(output)
		Classify(output)
	})
}

func BenchmarkVerify(b *testing.B) {
	for _, name := range []string{"p2wpkh", "p2tr key path", "p2pkh", "p2wsh multisig"} {
		const inputs = 1000
		tx, prev := signedSpend(slices.Repeat([]template{templateNamed(name)}, inputs)...)
		for _, run := range []struct {
			name    string
			entries int
		}{{"first", 0}, {"remembered", 16 * inputs}} {
			b.Run(name+"/"+run.name, func(b *testing.B) {
				v := NewVerifier(run.entries, 2)
				v.Verify(NewSpend(tx, prev).Checks(Standard))
				b.ReportAllocs()
				for b.Loop() {
					if err := v.Verify(NewSpend(tx, prev).Checks(Standard)); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*inputs), "µs/input")
			})
		}
	}
}
