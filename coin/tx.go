package coin

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
)

// WitnessScale is how many weight units a non-witness byte counts (BIP 141).
const WitnessScale = 4

// NullIndex is the output index in a coinbase input's outpoint.
const NullIndex = 0xffffffff

// SequenceFinal in every input switches a transaction's lock time off.
const SequenceFinal = 0xffffffff

// OutPoint names an output of an earlier transaction.
type OutPoint struct {
	Hash  Hash
	Index uint32
}

// String returns "txid:index".
func (o OutPoint) String() string { return fmt.Sprintf("%v:%d", o.Hash, o.Index) }

// IsNull tells whether o is the outpoint of a coinbase input.
func (o OutPoint) IsNull() bool { return o.Index == NullIndex && o.Hash.IsZero() }

// TxIn spends an output.
type TxIn struct {
	Prev     OutPoint
	Script   []byte
	Sequence uint32
	Witness  [][]byte
}

// TxOut is an amount locked by a script.
type TxOut struct {
	Value  Amount
	Script []byte
}

// Tx is a transaction. It is read-only from the first call of ID, WitnessID, or a size on, since those are computed
// once; Clone gives a copy that may be changed.
type Tx struct {
	Version  int32
	In       []TxIn
	Out      []TxOut
	LockTime uint32

	facts atomic.Pointer[txFacts]
}

// txFacts is what a transaction's bytes tell and nobody wants to compute twice.
type txFacts struct {
	id, witnessID Hash
	base, total   int // serialized sizes in bytes without and with witness
}

var (
	errSuperfluousWitness = errors.New("superfluous witness record")
	errUnknownOptional    = errors.New("unknown transaction optional data")
)

// ParseTx reads one transaction that fills b, which it keeps.
func ParseTx(b []byte) (*Tx, error) {
	r := NewReader(b)
	tx := new(parser).tx(r)
	if err := r.Finish(); err != nil {
		return nil, fmt.Errorf("decode transaction: %w", err)
	}
	return tx, nil
}

// ReadTx reads the next transaction; r.Err tells whether that succeeded.
func ReadTx(r *Reader) *Tx { return new(parser).tx(r) }

// parser hands out inputs, outputs and witness items from slabs, since a full block has tens of thousands.
type parser struct {
	ins   []TxIn
	outs  []TxOut
	items [][]byte
	mark  []byte // scratch for hashing a transaction without its witness
}

// The smallest encodings: an input is 36 + 1 + 4 bytes, an output 8 + 1.
const (
	minTxIn  = 41
	minTxOut = 9
)

func (p *parser) tx(r *Reader) *Tx {
	start := r.pos
	tx := &Tx{Version: int32(r.Uint32())}
	body := r.pos
	tx.In = p.inputs(r)
	var flags byte
	switch {
	case len(tx.In) > 0:
		tx.Out = p.outputs(r)
	case r.err == nil: // BIP 144: a zero count is the marker of the extended form, or a transaction with nothing in it
		if flags = r.Uint8(); flags != 0 {
			body = r.pos
			tx.In, tx.Out = p.inputs(r), p.outputs(r)
		}
	}
	bodyEnd := r.pos
	if flags&1 != 0 {
		flags ^= 1
		p.witness(r, tx)
		if r.err == nil && !tx.HasWitness() {
			r.Fail(errSuperfluousWitness)
		}
	}
	if flags != 0 {
		r.Fail(errUnknownOptional)
	}
	tx.LockTime = r.Uint32()
	if r.err != nil {
		return nil
	}
	p.seal(tx, r.buf[start:r.pos], r.buf[body:bodyEnd])
	return tx
}

// seal computes the ids of a transaction from its whole encoding and the part between version and witness.
func (p *parser) seal(tx *Tx, whole, body []byte) {
	f := &txFacts{total: len(whole), base: 4 + len(body) + 4, witnessID: DoubleSHA(whole)}
	f.id = f.witnessID
	if f.base != f.total {
		p.mark = append(p.mark[:0], whole[:4]...)
		p.mark = append(p.mark, body...)
		p.mark = append(p.mark, whole[len(whole)-4:]...)
		f.id = DoubleSHA(p.mark)
	}
	tx.facts.Store(f)
}

func (p *parser) inputs(r *Reader) []TxIn {
	ins := take(&p.ins, r.Count(minTxIn))
	for i := range ins {
		in := &ins[i]
		in.Prev.Hash, in.Prev.Index = r.Hash(), r.Uint32()
		in.Script, in.Sequence = r.VarBytes(), r.Uint32()
	}
	return ins
}

func (p *parser) outputs(r *Reader) []TxOut {
	outs := take(&p.outs, r.Count(minTxOut))
	for i := range outs {
		outs[i].Value, outs[i].Script = Amount(r.Uint64()), r.VarBytes()
	}
	return outs
}

func (p *parser) witness(r *Reader, tx *Tx) {
	for i := range tx.In {
		if n := r.Count(1); n > 0 {
			items := take(&p.items, n)
			for j := range items {
				items[j] = r.VarBytes()
			}
			tx.In[i].Witness = items
		}
	}
}

// slabSize keeps a slab near a few kilobytes.
const slabSize = 64

// take cuts n fresh values off a slab, making a new one where it is used up.
func take[T any](slab *[]T, n int) []T {
	if n == 0 {
		return nil
	}
	if n > len(*slab) {
		if n >= slabSize {
			return make([]T, n)
		}
		*slab = make([]T, slabSize)
	}
	cut := (*slab)[:n:n]
	*slab = (*slab)[n:]
	return cut
}

// Clone returns a deep copy whose fields may be changed.
func (tx *Tx) Clone() *Tx {
	c := &Tx{Version: tx.Version, LockTime: tx.LockTime, In: slices.Clone(tx.In), Out: slices.Clone(tx.Out)}
	for i := range c.In {
		in := &c.In[i]
		in.Script, in.Witness = slices.Clone(in.Script), slices.Clone(in.Witness)
		for j := range in.Witness {
			in.Witness[j] = slices.Clone(in.Witness[j])
		}
	}
	for i := range c.Out {
		c.Out[i].Script = slices.Clone(c.Out[i].Script)
	}
	return c
}

// HasWitness tells whether any input carries witness data.
func (tx *Tx) HasWitness() bool {
	for i := range tx.In {
		if len(tx.In[i].Witness) > 0 {
			return true
		}
	}
	return false
}

// IsCoinbase tells whether the only input is the null outpoint, as in a block's first transaction.
func (tx *Tx) IsCoinbase() bool { return len(tx.In) == 1 && tx.In[0].Prev.IsNull() }

// OutputSum returns what the outputs hold together. It may overflow in a transaction that was not checked.
func (tx *Tx) OutputSum() (sum Amount) {
	for i := range tx.Out {
		sum += tx.Out[i].Value
	}
	return sum
}

// ID returns the transaction id: the hash of the encoding without witness.
func (tx *Tx) ID() Hash { return tx.known().id }

// WitnessID returns the hash of the encoding with witness (BIP 141), equal to ID where there is none.
func (tx *Tx) WitnessID() Hash { return tx.known().witnessID }

// BaseSize returns the encoded size in bytes without witness.
func (tx *Tx) BaseSize() int { return tx.known().base }

// Size returns the encoded size in bytes with witness.
func (tx *Tx) Size() int { return tx.known().total }

// Weight returns the size in weight units (BIP 141).
func (tx *Tx) Weight() int {
	f := tx.known()
	return (WitnessScale-1)*f.base + f.total
}

// VSize returns the weight in virtual bytes, rounded up.
func (tx *Tx) VSize() int { return (tx.Weight() + WitnessScale - 1) / WitnessScale }

func (tx *Tx) known() *txFacts {
	if f := tx.facts.Load(); f != nil {
		return f
	}
	whole := tx.Append(nil)
	f := &txFacts{total: len(whole), base: len(whole), witnessID: DoubleSHA(whole)}
	f.id = f.witnessID
	if tx.HasWitness() {
		bare := tx.AppendNoWitness(whole[:0])
		f.base, f.id = len(bare), DoubleSHA(bare)
	}
	tx.facts.Store(f)
	return f
}

// Append appends the encoding, in BIP 144's extended form where there is witness data.
func (tx *Tx) Append(b []byte) []byte { return tx.append(b, tx.HasWitness()) }

// AppendNoWitness appends the encoding without witness data.
func (tx *Tx) AppendNoWitness(b []byte) []byte { return tx.append(b, false) }

// Bytes returns the encoding in a buffer of its own.
func (tx *Tx) Bytes() []byte { return tx.Append(make([]byte, 0, tx.Size())) }

func (tx *Tx) append(b []byte, witness bool) []byte {
	b = binary.LittleEndian.AppendUint32(b, uint32(tx.Version))
	if witness {
		b = append(b, 0, 1)
	}
	b = AppendCompactSize(b, uint64(len(tx.In)))
	for i := range tx.In {
		in := &tx.In[i]
		b = append(b, in.Prev.Hash[:]...)
		b = binary.LittleEndian.AppendUint32(b, in.Prev.Index)
		b = AppendVarBytes(b, in.Script)
		b = binary.LittleEndian.AppendUint32(b, in.Sequence)
	}
	b = AppendCompactSize(b, uint64(len(tx.Out)))
	for i := range tx.Out {
		b = tx.Out[i].Append(b)
	}
	if witness {
		for i := range tx.In {
			b = AppendCompactSize(b, uint64(len(tx.In[i].Witness)))
			for _, item := range tx.In[i].Witness {
				b = AppendVarBytes(b, item)
			}
		}
	}
	return binary.LittleEndian.AppendUint32(b, tx.LockTime)
}

// Append appends the output's encoding.
func (o *TxOut) Append(b []byte) []byte {
	return AppendVarBytes(binary.LittleEndian.AppendUint64(b, uint64(o.Value)), o.Script)
}
