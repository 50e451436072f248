package coin

import (
	"encoding/binary"
	"fmt"
)

// HeaderSize is a header's encoded size in bytes.
const HeaderSize = 80

// Header is what miners hash.
type Header struct {
	Version int32
	Prev    Hash // of the parent's header
	Merkle  Hash // root over the transaction ids
	Time    uint32
	Bits    uint32 // target in compact form
	Nonce   uint32
}

// Hash returns the header's double SHA-256, the block's name (its "smell").
func (h *Header) Hash() Hash {
	var b [HeaderSize]byte
	return DoubleSHA(h.Append(b[:0]))
}

// Append appends the 80-byte encoding.
func (h *Header) Append(b []byte) []byte {
	b = binary.LittleEndian.AppendUint32(b, uint32(h.Version))
	b = append(b, h.Prev[:]...)
	b = append(b, h.Merkle[:]...)
	b = binary.LittleEndian.AppendUint32(b, h.Time)
	b = binary.LittleEndian.AppendUint32(b, h.Bits)
	return binary.LittleEndian.AppendUint32(b, h.Nonce)
}

// ReadHeader reads the next 80 bytes; r.Err tells whether that succeeded.
func ReadHeader(r *Reader) Header {
	return Header{Version: int32(r.Uint32()), Prev: r.Hash(), Merkle: r.Hash(), Time: r.Uint32(), Bits: r.Uint32(), Nonce: r.Uint32()}
}

// ParseHeader reads a header that fills b.
func ParseHeader(b []byte) (Header, error) {
	r := NewReader(b)
	h := ReadHeader(r)
	if err := r.Finish(); err != nil {
		return Header{}, fmt.Errorf("decode header: %w", err)
	}
	return h, nil
}

// Block is a header and its transactions, the coinbase first.
type Block struct {
	Header
	Txs []*Tx
}

// minTx is the smallest encoding of a transaction: version, two zero counts, lock time.
const minTx = 10

// ParseBlock reads a block that fills b, which it keeps.
func ParseBlock(b []byte) (*Block, error) {
	r := NewReader(b)
	blk := ReadBlock(r)
	if err := r.Finish(); err != nil {
		return nil, fmt.Errorf("decode block: %w", err)
	}
	return blk, nil
}

// ReadBlock reads the next block; r.Err tells whether that succeeded.
func ReadBlock(r *Reader) *Block {
	blk := &Block{Header: ReadHeader(r)}
	blk.Txs = make([]*Tx, r.Count(minTx))
	var p parser
	for i := range blk.Txs {
		if blk.Txs[i] = p.tx(r); r.err != nil {
			return nil
		}
	}
	if r.err != nil {
		return nil
	}
	return blk
}

// Append appends the encoding with witness data.
func (b *Block) Append(dst []byte) []byte {
	dst = AppendCompactSize(b.Header.Append(dst), uint64(len(b.Txs)))
	for _, tx := range b.Txs {
		dst = tx.Append(dst)
	}
	return dst
}

// AppendNoWitness appends the encoding that peers without segwit understand.
func (b *Block) AppendNoWitness(dst []byte) []byte {
	dst = AppendCompactSize(b.Header.Append(dst), uint64(len(b.Txs)))
	for _, tx := range b.Txs {
		dst = tx.AppendNoWitness(dst)
	}
	return dst
}

// Bytes returns the encoding in a buffer of its own.
func (b *Block) Bytes() []byte { return b.Append(make([]byte, 0, b.Size())) }

// BaseSize returns the encoded size in bytes without witness data.
func (b *Block) BaseSize() int { return b.sum((*Tx).BaseSize) }

// Size returns the encoded size in bytes with witness data.
func (b *Block) Size() int { return b.sum((*Tx).Size) }

// Weight returns the size in weight units (BIP 141).
func (b *Block) Weight() int { return (WitnessScale-1)*b.BaseSize() + b.Size() }

func (b *Block) sum(size func(*Tx) int) int {
	n := HeaderSize + CompactSizeLen(uint64(len(b.Txs)))
	for _, tx := range b.Txs {
		n += size(tx)
	}
	return n
}

// MerkleRoot computes the root over the transaction ids. mutated reports that the same root could come from a list
// with repeated transactions (CVE-2012-2459), in which case the block says nothing about the real one of that hash.
func (b *Block) MerkleRoot() (root Hash, mutated bool) {
	leaves := make([]Hash, len(b.Txs))
	for i, tx := range b.Txs {
		leaves[i] = tx.ID()
	}
	return MerkleRoot(leaves)
}

// WitnessRoot computes the root over the witness ids, the coinbase counting as zero (BIP 141).
func (b *Block) WitnessRoot() Hash {
	leaves := make([]Hash, len(b.Txs))
	for i, tx := range b.Txs[min(1, len(b.Txs)):] {
		leaves[i+1] = tx.WitnessID()
	}
	root, _ := MerkleRoot(leaves)
	return root
}

// MerkleRoot folds leaves, which it overwrites, into Bitcoin's Merkle root; mutated as for Block.MerkleRoot.
func MerkleRoot(leaves []Hash) (root Hash, mutated bool) {
	if len(leaves) == 0 {
		return Hash{}, false
	}
	for len(leaves) > 1 {
		for i := 0; i+1 < len(leaves); i += 2 {
			mutated = mutated || leaves[i] == leaves[i+1]
		}
		if len(leaves)%2 == 1 {
			leaves = append(leaves, leaves[len(leaves)-1])
		}
		for i := 0; i < len(leaves); i += 2 {
			var pair [64]byte
			copy(pair[:32], leaves[i][:])
			copy(pair[32:], leaves[i+1][:])
			leaves[i/2] = DoubleSHA(pair[:])
		}
		leaves = leaves[:len(leaves)/2]
	}
	return leaves[0], mutated
}
