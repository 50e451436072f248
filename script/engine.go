package script

import (
	"errors"

	"cheese/coin"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
)

// This file is the only one that touches btcd's engine and wire's types.

// engine runs scripts on btcd's interpreter.
type engine struct {
	sigs *txscript.SigCache // txscript's own: it has no way to be handed another
}

func newEngine(cacheEntries int) engine {
	return engine{sigs: txscript.NewSigCache(uint(max(0, cacheEntries)))}
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
			e.prev[in.PreviousOutPoint] = wire.NewTxOut(int64(s.prev[i].Value), s.prev[i].Script)
		}
		e.hashes = txscript.NewTxSigHashes(e.tx, e.prev)
	})
	return &s.engine
}

func toWire(tx *coin.Tx) *wire.MsgTx {
	m := &wire.MsgTx{Version: tx.Version, LockTime: tx.LockTime,
		TxIn: make([]*wire.TxIn, len(tx.In)), TxOut: make([]*wire.TxOut, len(tx.Out))}
	for i := range tx.In {
		in := &tx.In[i]
		m.TxIn[i] = &wire.TxIn{SignatureScript: in.Script, Witness: in.Witness, Sequence: in.Sequence,
			PreviousOutPoint: wire.OutPoint{Hash: chainhash.Hash(in.Prev.Hash), Index: in.Prev.Index}}
	}
	for i := range tx.Out {
		m.TxOut[i] = wire.NewTxOut(int64(tx.Out[i].Value), tx.Out[i].Script)
	}
	return m
}

// engineFlags pairs our flags with the engine's. NullDummy and DiscourageUpgradableNops are not among them.
var engineFlags = []struct {
	ours   Flags
	theirs txscript.ScriptFlags
}{
	{P2SH, txscript.ScriptBip16},
	{StrictEnc, txscript.ScriptVerifyStrictEncoding},
	{DERSig, txscript.ScriptVerifyDERSignatures},
	{LowS, txscript.ScriptVerifyLowS},
	{SigPushOnly, txscript.ScriptVerifySigPushOnly},
	{MinimalData, txscript.ScriptVerifyMinimalData},
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

func (e engine) check(c *Check) verdict {
	t, out := c.Spend.engineTx(), &c.Spend.prev[c.Input]
	vm, err := txscript.NewEngine(out.Script, t.tx, c.Input, toEngineFlags(c.Flags), e.sigs, t.hashes, int64(out.Value), t.prev)
	if err == nil {
		err = vm.Execute()
	}
	return translate(err)
}

func translate(err error) verdict {
	if err == nil {
		return valid
	}
	var known txscript.Error
	if !errors.As(err, &known) {
		return unknownError
	}
	return evalFalse
}
