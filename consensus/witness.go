package consensus

import (
	"bytes"
	"slices"

	"cheese/coin"
)

// commitmentHeader starts the script of a coinbase output that commits to the block's witness data: OP_RETURN and a
// push of 36 bytes, the first four of which are these (BIP 141).
var commitmentHeader = []byte{0x6a, 0x24, 0xaa, 0x21, 0xa9, 0xed}

// commitmentSize is the least size of such a script in bytes.
const commitmentSize = 38

// WitnessCommitment returns which of the coinbase's outputs commits to the witness data, the last one that has the
// form of one, and the hash in it.
func WitnessCommitment(b *coin.Block) (output int, commitment coin.Hash, ok bool) {
	if len(b.Txs) == 0 {
		return 0, coin.Hash{}, false
	}
	outs := b.Txs[0].Out
	for i := len(outs) - 1; i >= 0; i-- {
		s := outs[i].Script
		if len(s) >= commitmentSize && bytes.HasPrefix(s, commitmentHeader) {
			return i, coin.Hash(s[len(commitmentHeader):commitmentSize]), true
		}
	}
	return 0, coin.Hash{}, false
}

// SetWitnessCommitment gives the coinbase the output and the reserved value that commit to the block's witness data,
// in place of those it may have, and sets the header's Merkle root. The coinbase is replaced, not changed.
func SetWitnessCommitment(b *coin.Block) {
	cb := b.Txs[0].Clone()
	reserved := make([]byte, 32)
	commitment := commit(b.WitnessRoot(), reserved)
	out := coin.TxOut{Script: slices.Concat(commitmentHeader, commitment[:])}
	if i, _, ok := WitnessCommitment(b); ok {
		cb.Out[i] = out
	} else {
		cb.Out = append(cb.Out, out)
	}
	cb.In[0].Witness = [][]byte{reserved}
	b.Txs = slices.Clone(b.Txs)
	b.Txs[0] = cb
	b.Merkle, _ = b.MerkleRoot()
}

// commit returns what a commitment output holds. The root counts the coinbase as zero, so it does not depend on it.
func commit(witnessRoot coin.Hash, reserved []byte) coin.Hash {
	return coin.DoubleSHA(slices.Concat(witnessRoot[:], reserved))
}

// checkWitness checks the witness data against the commitment in the coinbase. Witness data is not part of a block's
// hash, so a mismatch says nothing about the real block of that hash.
func checkWitness(b *coin.Block, segwit bool) error {
	if _, want, ok := WitnessCommitment(b); ok && segwit {
		stack := b.Txs[0].In[0].Witness
		if len(stack) != 1 || len(stack[0]) != 32 {
			return broken(Mutated, "bad-witness-nonce-size", "invalid witness reserved value size")
		}
		if commit(b.WitnessRoot(), stack[0]) != want {
			return broken(Mutated, "bad-witness-merkle-match", "witness merkle commitment mismatch")
		}
		return nil
	}
	for _, tx := range b.Txs {
		if tx.HasWitness() {
			return broken(Mutated, "unexpected-witness", "unexpected witness data found")
		}
	}
	return nil
}
