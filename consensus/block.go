package consensus

import (
	"bytes"

	"cheese/coin"
	"cheese/script"
)

const (
	// MaxBlockWeight bounds a block in weight units (BIP 141).
	MaxBlockWeight = 4_000_000
	// MaxBlockSigOpCost bounds a block's signature operations; one outside a witness costs four (BIP 141).
	MaxBlockSigOpCost = 80_000
)

// CheckBlock checks all of a block that needs no coins: CheckStructure, then CheckPlace. s is the state of the
// block's parent, and CheckHeader is done already.
func (s State) CheckBlock(b *coin.Block) error {
	if err := CheckStructure(b); err != nil {
		return err
	}
	return s.CheckPlace(b)
}

// CheckStructure checks what a block must keep wherever it stands. Core does this, after the work, before it looks
// at the parent or remembers the header, so a block that fails here leaves no trace. Whatever may be wrong because
// the body was swapped under the header comes before whatever condemns the header.
func CheckStructure(b *coin.Block) error {
	if err := checkMerkle(b); err != nil {
		return err
	}
	if err := checkShape(b); err != nil {
		return err
	}
	for _, tx := range b.Txs {
		if err := CheckTx(tx); err != nil {
			e := *err.(*RuleError) // CheckTx returns nothing else
			e.Detail = "Transaction check failed (tx hash " + tx.ID().String() + ")"
			return &e
		}
	}
	if n := legacySigOps(b) * coin.WitnessScale; n > MaxBlockSigOpCost {
		return invalid("bad-blk-sigops", "out-of-bounds SigOpCount: %d of %d", n, MaxBlockSigOpCost)
	}
	return nil
}

// checkMerkle checks that the transactions are those the header commits to.
func checkMerkle(b *coin.Block) error {
	root, mutated := b.MerkleRoot()
	if root != b.Merkle {
		return broken(Mutated, "bad-txnmrklroot", "hashMerkleRoot mismatch")
	}
	if mutated { // CVE-2012-2459
		return broken(Mutated, "bad-txns-duplicate", "duplicate transaction")
	}
	return nil
}

// checkShape checks size without witness, and that the first transaction alone is a coinbase.
func checkShape(b *coin.Block) error {
	if n := len(b.Txs); n == 0 || n*coin.WitnessScale > MaxBlockWeight || b.BaseSize()*coin.WitnessScale > MaxBlockWeight {
		return invalid("bad-blk-length", "size limits failed")
	}
	if !b.Txs[0].IsCoinbase() {
		return broken(noCoinbaseKind(b), "bad-cb-missing", "first tx is not coinbase")
	}
	for _, tx := range b.Txs[1:] {
		if tx.IsCoinbase() {
			return invalid("bad-cb-multiple", "more than one coinbase")
		}
	}
	return nil
}

// noCoinbaseKind says whether a block without a coinbase may be another one's inner Merkle nodes, which are 64 bytes
// apiece, passed off as transactions.
func noCoinbaseKind(b *coin.Block) Kind {
	for _, tx := range b.Txs {
		if tx.BaseSize() == 64 {
			return Mutated
		}
	}
	return Invalid
}

func legacySigOps(b *coin.Block) int {
	n := 0
	for _, tx := range b.Txs {
		for i := range tx.In {
			n += script.SigOps(tx.In[i].Script, false)
		}
		for i := range tx.Out {
			n += script.SigOps(tx.Out[i].Script, false)
		}
	}
	return n
}

// CheckPlace checks what depends on where in the chain a block that passed CheckStructure stands: lock times, the
// height in the coinbase, witness data and the whole weight. s is the state of the block's parent.
func (s State) CheckPlace(b *coin.Block) error {
	height, since := s.height+1, s.params.Heights
	cutoff := b.Time
	if height >= since.CSV {
		cutoff = s.MedianTime() // BIP 113
	}
	for _, tx := range b.Txs {
		if !IsFinal(tx, height, cutoff) {
			return invalid("bad-txns-nonfinal", "non-final transaction %v", tx.ID())
		}
	}
	if height >= since.BIP34 && !bytes.HasPrefix(b.Txs[0].In[0].Script, script.PushInt(int64(height))) {
		return invalid("bad-cb-height", "block height mismatch in coinbase: it must start with a push of %d", height)
	}
	if err := checkWitness(b, height >= since.Segwit); err != nil {
		return err
	}
	if w := b.Weight(); w > MaxBlockWeight {
		return invalid("bad-blk-weight", "weight limit failed: %d of %d", w, MaxBlockWeight)
	}
	return nil
}

// ScriptFlags returns the script rules that hold in a block at that height. Like Core's they never lack P2SH, segwit
// and taproot, which no block of ours predates.
func ScriptFlags(p *coin.Params, height int32) script.Flags {
	flags := script.P2SH | script.Witness | script.Taproot
	for _, rule := range []struct {
		since int32
		flag  script.Flags
	}{{p.Heights.BIP66, script.DERSig}, {p.Heights.BIP65, script.CLTV}, {p.Heights.CSV, script.CSV}, {p.Heights.Segwit, script.NullDummy}} {
		if height >= rule.since {
			flags |= rule.flag
		}
	}
	return flags
}
