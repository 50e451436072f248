package script

import (
	"bytes"

	"cheese/coin"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
)

// Only the files named engine touch btcd's engine and wire's types.

// engine runs scripts on btcd's interpreter.
type engine struct {
	sigs *txscript.SigCache // txscript's own: it has no way to be handed another
}

// engineShare is the part of the signature cache that scripts without a template get.
const engineShare = 4

func newEngine(cacheEntries int) engine {
	return engine{sigs: txscript.NewSigCache(uint(max(0, cacheEntries/engineShare)))}
}

// engineTx is a spend in the engine's types, with its signature hash midstates.
type engineTx struct {
	tx     *wire.MsgTx
	prev   outputs
	hashes *txscript.TxSigHashes
}

// outputs is the txscript.PrevOutputFetcher of one transaction.
type outputs map[wire.OutPoint]*wire.TxOut

func (o outputs) FetchPrevOutput(p wire.OutPoint) *wire.TxOut { return o[p] }

func (s *Spend) engineTx() *engineTx {
	s.engineOnce.Do(func() {
		e := &s.engine
		e.tx = toWire(s.tx)
		e.prev = make(outputs, len(s.prev))
		for i, in := range e.tx.TxIn {
			e.prev[in.PreviousOutPoint] = wire.NewTxOut(int64(s.prev[i].Value), bytes.Clone(s.prev[i].Script))
		}
		e.hashes = txscript.NewTxSigHashes(e.tx, e.prev)
	})
	return &s.engine
}

// toWire copies what scripts push, since the engine's signature cache keeps parts of it, and with them would keep the
// buffer of the whole block.
func toWire(tx *coin.Tx) *wire.MsgTx {
	m := &wire.MsgTx{Version: tx.Version, LockTime: tx.LockTime,
		TxIn: make([]*wire.TxIn, len(tx.In)), TxOut: make([]*wire.TxOut, len(tx.Out))}
	for i := range tx.In {
		in := &tx.In[i]
		m.TxIn[i] = &wire.TxIn{SignatureScript: bytes.Clone(in.Script), Witness: cloneAll(in.Witness), Sequence: in.Sequence,
			PreviousOutPoint: wire.OutPoint{Hash: chainhash.Hash(in.Prev.Hash), Index: in.Prev.Index}}
	}
	for i := range tx.Out {
		m.TxOut[i] = wire.NewTxOut(int64(tx.Out[i].Value), tx.Out[i].Script)
	}
	return m
}

func cloneAll(items [][]byte) [][]byte {
	out := make([][]byte, len(items))
	for i := range items {
		out[i] = bytes.Clone(items[i])
	}
	return out
}

// engineFlags pairs our flags with the engine's.
var engineFlags = []struct {
	ours   Flags
	theirs txscript.ScriptFlags
}{
	{P2SH, txscript.ScriptBip16},
	{StrictEnc, txscript.ScriptVerifyStrictEncoding},
	{DERSig, txscript.ScriptVerifyDERSignatures},
	{LowS, txscript.ScriptVerifyLowS},
	{NullDummy, txscript.ScriptStrictMultiSig},
	{SigPushOnly, txscript.ScriptVerifySigPushOnly},
	{MinimalData, txscript.ScriptVerifyMinimalData},
	{DiscourageUpgradableNops, txscript.ScriptDiscourageUpgradableNops},
	{CleanStack, txscript.ScriptVerifyCleanStack},
	{CLTV, txscript.ScriptVerifyCheckLockTimeVerify},
	{CSV, txscript.ScriptVerifyCheckSequenceVerify},
	{Witness, txscript.ScriptVerifyWitness},
	{DiscourageUpgradableWitness, txscript.ScriptVerifyDiscourageUpgradeableWitnessProgram},
	{MinimalIf, txscript.ScriptVerifyMinimalIf},
	{NullFail, txscript.ScriptVerifyNullFail},
	{WitnessPubKeyType, txscript.ScriptVerifyWitnessPubKeyType},
	{ConstScriptCode, txscript.ScriptVerifyConstScriptCode},
	{Taproot, txscript.ScriptVerifyTaproot},
	{DiscourageUpgradableTaproot, txscript.ScriptVerifyDiscourageUpgradeableTaprootVersion},
	{DiscourageOpSuccess, txscript.ScriptVerifyDiscourageOpSuccess},
	{DiscourageUpgradablePubKey, txscript.ScriptVerifyDiscourageUpgradeablePubkeyType},
}

func toEngineFlags(flags Flags) (f txscript.ScriptFlags) {
	for _, pair := range engineFlags {
		if flags.has(pair.ours) {
			f |= pair.theirs
		}
	}
	return f
}

// check runs the script as Core's VerifyScript would. The engine looks at some things before it runs anything that
// Core looks at last; those are taken out of its hands here, so that whatever else is wrong is reported first.
func (e engine) check(c *Check) verdict {
	in, prev := &c.Spend.tx.In[c.Input], c.Spend.prev[c.Input].Script
	nested := c.Flags.has(P2SH) && isScriptHash(prev)
	late, without := lateVerdict(c, in, prev, nested)
	if late == valid {
		return e.run(c, c.Flags)
	}
	if why := e.run(c, c.Flags&^without); why != valid {
		return why
	}
	return late
}

// lateVerdict finds the faults that Core reports only once the scripts have run: which one, if any, and the rules to
// leave out of that run.
func lateVerdict(c *Check, in *coin.TxIn, prev []byte, nested bool) (why verdict, without Flags) {
	pushes := IsPushOnly(in.Script)
	if c.Flags.has(SigPushOnly) && !pushes {
		return valid, 0 // not late: Core looks at this one first, too
	}
	if nested && !pushes {
		return sigPushOnly, P2SH | Witness | CleanStack
	}
	if !c.Flags.has(Witness) {
		return valid, 0
	}
	if _, _, ok := WitnessProgram(prev); ok {
		if len(in.Script) > 0 {
			return malleated, Witness | CleanStack
		}
		return valid, 0
	}
	if redeem := RedeemScript(in.Script); nested {
		if _, _, ok := WitnessProgram(redeem); ok {
			if string(in.Script) != string(PushData(redeem)) {
				return malleatedP2SH, Witness | CleanStack
			}
			return valid, 0
		}
	}
	if len(in.Witness) > 0 {
		return unexpected, Witness
	}
	return valid, 0
}
