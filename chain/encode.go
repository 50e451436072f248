package chain

import (
	"encoding/binary"
	"errors"
	"slices"

	"cheese/coin"
	"cheese/consensus"
	"cheese/script"
)

// Keys in Pebble. Each kind starts with a byte of its own.
const (
	keyCoin   = 'c' // outpoint → coin
	keyHeader = 'h' // height, hash → record
	keyUndo   = 'u' // hash → the coins that the block spent
	keyMeta   = 'm'
)

var (
	keyFormat  = []byte{keyMeta, 'f'} // → formatVersion
	keyGenesis = []byte{keyMeta, 'g'} // → hash of the network's first block
	keyTip     = []byte{keyMeta, 't'} // → hash of the block whose coins these are
)

// formatVersion changes when older data can no longer be read.
const formatVersion = 1

var errMalformed = errors.New("malformed record")

func coinKey(b []byte, o coin.OutPoint) []byte {
	b = append(b, keyCoin)
	b = append(b, o.Hash[:]...)
	return binary.BigEndian.AppendUint32(b, o.Index)
}

func parseCoinKey(b []byte) (o coin.OutPoint, err error) {
	if len(b) != 37 {
		return o, errMalformed
	}
	copy(o.Hash[:], b[1:])
	o.Index = binary.BigEndian.Uint32(b[33:])
	return o, nil
}

func headerKey(n *node) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{keyHeader}, uint32(n.height)), n.hash[:]...)
}

func undoKey(h coin.Hash) []byte { return append([]byte{keyUndo}, h[:]...) }

// decoder reads what this package wrote. The first failure sticks.
type decoder struct {
	b   []byte
	bad bool
}

func (d *decoder) bytes(n uint64) []byte {
	if d.bad || n > uint64(len(d.b)) {
		d.bad = true
		return nil
	}
	out := d.b[:n:n]
	d.b = d.b[n:]
	return out
}

func (d *decoder) uvarint() uint64 {
	n, size := binary.Uvarint(d.b)
	if size <= 0 {
		d.bad = true
		return 0
	}
	d.b = d.b[size:]
	return n
}

func (d *decoder) finish() error {
	if d.bad || len(d.b) > 0 {
		return errMalformed
	}
	return nil
}

// appendCoin appends height and coinbase bit, amount and script in compact form.
func appendCoin(b []byte, c *consensus.Coin) []byte {
	tag := uint64(c.Height) << 1
	if c.Coinbase {
		tag |= 1
	}
	b = binary.AppendUvarint(b, tag)
	b = binary.AppendUvarint(b, packAmount(c.Out.Value))
	return appendScript(b, c.Out.Script)
}

func (d *decoder) coin() (c consensus.Coin) {
	tag := d.uvarint()
	if tag>>32 != 0 {
		d.bad = true
	}
	c.Height, c.Coinbase = int32(tag>>1), tag&1 != 0
	c.Out.Value = d.amount()
	c.Out.Script = d.script()
	return c
}

// packAmount moves an amount's trailing decimal zeros into a last digit of its own, since most amounts are round:
// 50 coins become 59 (5 and nine zeros).
func packAmount(a coin.Amount) uint64 {
	zeros := uint64(0)
	for a != 0 && a%10 == 0 && zeros < 9 {
		a /= 10
		zeros++
	}
	return uint64(a)*10 + zeros
}

func (d *decoder) amount() coin.Amount {
	packed := d.uvarint()
	a := packed / 10
	for range packed % 10 {
		if a > uint64(coin.MaxMoney) {
			break
		}
		a *= 10
	}
	if a > uint64(coin.MaxMoney) {
		d.bad = true
		return 0
	}
	return coin.Amount(a)
}

// Script codes: the templates by their hash or key alone, anything else as its length plus codeRaw and its bytes.
const (
	codePubKeyHash = iota
	codeScriptHash
	codeWitnessKeyHash
	codeWitnessScriptHash
	codeTaproot
	codeRaw
)

func appendScript(b, s []byte) []byte {
	class, items := script.Classify(s)
	code := -1
	switch class {
	case script.PubKeyHash:
		code = codePubKeyHash
	case script.ScriptHash:
		code = codeScriptHash
	case script.WitnessV0KeyHash:
		code = codeWitnessKeyHash
	case script.WitnessV0ScriptHash:
		code = codeWitnessScriptHash
	case script.WitnessV1Taproot:
		code = codeTaproot
	}
	if code < 0 {
		return append(binary.AppendUvarint(b, codeRaw+uint64(len(s))), s...)
	}
	return append(append(b, byte(code)), items[len(items)-1]...)
}

// script returns bytes of its own, not the decoder's.
func (d *decoder) script() []byte {
	switch code := d.uvarint(); code {
	case codePubKeyHash:
		return script.PayToPubKeyHash([20]byte(d.hash(20)))
	case codeScriptHash:
		return script.PayToScriptHash([20]byte(d.hash(20)))
	case codeWitnessKeyHash:
		return script.PayToWitnessKeyHash([20]byte(d.hash(20)))
	case codeWitnessScriptHash:
		return script.PayToWitnessScriptHash([32]byte(d.hash(32)))
	case codeTaproot:
		return script.PayToTaproot([32]byte(d.hash(32)))
	default:
		return slices.Clone(d.bytes(code - codeRaw))
	}
}

// hash returns n bytes, zeros after a failure.
func (d *decoder) hash(n int) []byte {
	if b := d.bytes(uint64(n)); b != nil {
		return b
	}
	return make([]byte, n)
}

// appendUndo appends the coins that a block spent, in its order. The outpoints are in the block itself.
func appendUndo(b []byte, spent []consensus.SpentCoin) []byte {
	b = binary.AppendUvarint(b, uint64(len(spent)))
	for i := range spent {
		b = appendCoin(b, &spent[i].Coin)
	}
	return b
}

// parseUndo gives the block's inputs their coins back.
func parseUndo(raw []byte, b *coin.Block) ([]consensus.SpentCoin, error) {
	d := decoder{b: raw}
	var spent []consensus.SpentCoin
	count := d.uvarint()
	for _, tx := range b.Txs[min(1, len(b.Txs)):] {
		for i := range tx.In {
			if d.bad || uint64(len(spent)) == count {
				return nil, errMalformed
			}
			spent = append(spent, consensus.SpentCoin{OutPoint: tx.In[i].Prev, Coin: d.coin()})
		}
	}
	if uint64(len(spent)) != count {
		return nil, errMalformed
	}
	return spent, d.finish()
}

// record is what Pebble keeps of an index entry.
type record struct {
	header       coin.Header
	added, ready uint64
	body         bool
	place        place // where the body is, if there is one
	valid        bool  // connected at least once
	invalid      bool  // breaks a rule, or an ancestor does
}

const (
	flagBody = 1 << iota
	flagValid
	flagInvalid
)

func (r *record) append(b []byte) []byte {
	b = r.header.Append(b)
	var flags byte
	for _, f := range []struct {
		on  bool
		bit byte
	}{{r.body, flagBody}, {r.valid, flagValid}, {r.invalid, flagInvalid}} {
		if f.on {
			flags |= f.bit
		}
	}
	b = append(b, flags)
	b = binary.AppendUvarint(b, r.added)
	b = binary.AppendUvarint(b, r.ready)
	if r.body {
		for _, n := range []uint32{r.place.file, r.place.offset, r.place.size, r.place.sum} {
			b = binary.AppendUvarint(b, uint64(n))
		}
	}
	return b
}

func parseRecord(raw []byte) (r record, err error) {
	d := decoder{b: raw}
	head := d.bytes(coin.HeaderSize)
	flags := d.bytes(1)
	if d.bad || flags[0] >= flagInvalid<<1 {
		return record{}, errMalformed
	}
	if r.header, err = coin.ParseHeader(head); err != nil {
		return record{}, err
	}
	r.body, r.valid, r.invalid = flags[0]&flagBody != 0, flags[0]&flagValid != 0, flags[0]&flagInvalid != 0
	r.added, r.ready = d.uvarint(), d.uvarint()
	if r.body {
		for _, n := range []*uint32{&r.place.file, &r.place.offset, &r.place.size, &r.place.sum} {
			v := d.uvarint()
			d.bad = d.bad || v>>32 != 0
			*n = uint32(v)
		}
	}
	return r, d.finish()
}
