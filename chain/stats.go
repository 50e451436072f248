package chain

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"cheese/coin"
	"cheese/consensus"
)

// Stats sums up the unspent outputs of a view, as Bitcoin Core's gettxoutsetinfo.
type Stats struct {
	TxOuts       int64       // unspent outputs
	Transactions int64       // that have some
	Amount       coin.Amount // of all together
	Bogosize     int64       // a size in bytes that does not depend on how anything is stored
	DiskSize     int64       // bytes on disk, roughly, as of now
}

// bogoSize is what an output counts for in Bogosize beside its script: id 32, index 4, height 4, amount 8, length 2.
const bogoSize = 50

// Stats counts the unspent outputs.
func (v *View) Stats() (Stats, error) { return v.sum(func([]byte) {}) }

// SerializedHash returns what Bitcoin Core 28 calls hash_serialized_3 of the unspent outputs: the double SHA-256 of
// all of them, ordered by transaction id (as its bytes are stored) and index.
func (v *View) SerializedHash() (coin.Hash, Stats, error) {
	first := sha256.New()
	stats, err := v.sum(func(b []byte) { first.Write(b) })
	return sha256.Sum256(first.Sum(nil)), stats, err
}

// sum calls add with every unspent output as Core serializes it: outpoint, height and coinbase bit, output.
func (v *View) sum(add func([]byte)) (s Stats, err error) {
	var last coin.Hash
	var buf []byte
	err = v.Coins(func(o coin.OutPoint, c consensus.Coin) error {
		if s.TxOuts == 0 || o.Hash != last {
			s.Transactions++
			last = o.Hash
		}
		s.TxOuts++
		s.Amount += c.Out.Value
		s.Bogosize += bogoSize + int64(len(c.Out.Script))
		tag := uint32(c.Height) << 1
		if c.Coinbase {
			tag |= 1
		}
		buf = binary.LittleEndian.AppendUint32(append(buf[:0], o.Hash[:]...), o.Index)
		buf = binary.LittleEndian.AppendUint32(buf, tag)
		buf = c.Out.Append(buf)
		add(buf)
		return nil
	})
	if err == nil {
		s.DiskSize, err = v.c.db.size(keyCoin)
	}
	if err != nil {
		return Stats{}, fmt.Errorf("sum up coins: %w", err)
	}
	return s, nil
}

// MuHash returns the hash of the unspent outputs as a set, Bitcoin Core's muhash.
func (v *View) MuHash() (coin.Hash, Stats, error) {
	var set coin.MuHash
	stats, err := v.sum(set.Insert)
	return set.Sum(), stats, err
}
