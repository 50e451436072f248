package script

import "cheese/coin"

// SigOps counts signature operations the way blocks have always been limited. accurate takes CHECKMULTISIG for the
// number of keys pushed before it (BIP 16), otherwise it counts as 20. Counting stops where a push runs over the end.
func SigOps(script []byte, accurate bool) int {
	n, last := 0, byte(opInvalid)
	for c := (cursor{script: script}); !c.done(); {
		op, _, ok := c.next()
		if !ok {
			break
		}
		switch op {
		case opCheckSig, opCheckSigVerify:
			n++
		case opCheckMultiSig, opCheckMultiSigVerify:
			if accurate && last >= op1 && last <= op16 {
				n += int(last-op1) + 1
			} else {
				n += maxMultiSigKeys
			}
		}
		last = op
	}
	return n
}

// SigOpCost returns what the transaction adds to a block's signature operation cost (BIP 141): legacy and P2SH
// operations count four, witness ones one. prev are the outputs spent, nil for a coinbase; P2SH and Witness of flags
// matter.
func SigOpCost(tx *coin.Tx, prev []coin.TxOut, flags Flags) int {
	legacy := 0
	for i := range tx.In {
		legacy += SigOps(tx.In[i].Script, false)
	}
	for i := range tx.Out {
		legacy += SigOps(tx.Out[i].Script, false)
	}
	cost := legacy * coin.WitnessScale
	if tx.IsCoinbase() {
		return cost
	}
	for i := range prev {
		in := &tx.In[i]
		if flags.has(P2SH) && isScriptHash(prev[i].Script) {
			cost += SigOps(RedeemScript(in.Script), true) * coin.WitnessScale
		}
		if flags.has(P2SH | Witness) {
			cost += witnessSigOps(in, prev[i].Script)
		}
	}
	return cost
}

// RedeemScript returns what a push-only input script pushes last, which P2SH evaluates; nil where it is not push-only.
func RedeemScript(input []byte) (redeem []byte) {
	for c := (cursor{script: input}); !c.done(); {
		op, data, ok := c.next()
		if !ok || op > op16 {
			return nil
		}
		redeem = data
	}
	return redeem
}

func witnessSigOps(in *coin.TxIn, prev []byte) int {
	version, program, ok := WitnessProgram(prev)
	if !ok && isScriptHash(prev) {
		version, program, ok = WitnessProgram(RedeemScript(in.Script))
	}
	if !ok || version != 0 {
		return 0
	}
	switch {
	case len(program) == 20:
		return 1
	case len(program) == 32 && len(in.Witness) > 0:
		return SigOps(in.Witness[len(in.Witness)-1], true)
	}
	return 0
}
