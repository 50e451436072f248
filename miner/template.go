package miner

import (
	"encoding/binary"
	"errors"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"cheese/coin"
	"cheese/consensus"
	"cheese/mempool"
	"cheese/script"
)

// TemplateOptions say how to fill a block.
type TemplateOptions struct {
	PayTo      []byte // output script that gets subsidy and fees
	Name       string // the miner's name, put in the coinbase as "/cheese:Name/"
	Now        time.Time
	ExtraNonce uint64 // makes the header of each template its own
	MaxWeight  int    // 0: the consensus limit
}

// Room kept for the header, the coinbase and its signature operations, as Core keeps it.
const (
	reservedWeight = 4000
	reservedSigOps = 400
)

// blockVersion is BIP 9's, with no deployment signalled.
const blockVersion = 0x20000000

// Template returns a block on tip that lacks only its nonce, and the fees in it. Its time is o.Now, or later where the
// chain's rules want that. A nil pool, or one at another tip, gives a block with nothing but its coinbase.
func Template(tip consensus.State, pool *mempool.View, o TemplateOptions) (*coin.Block, coin.Amount, error) {
	if len(o.PayTo) == 0 {
		return nil, 0, errors.New("block template: no script to pay to")
	}
	if o.MaxWeight <= 0 || o.MaxWeight > consensus.MaxBlockWeight {
		o.MaxWeight = consensus.MaxBlockWeight
	}
	b := &coin.Block{Header: coin.Header{Version: blockVersion, Prev: tip.Hash(), Bits: tip.NextBits(),
		Time: max(uint32(o.Now.Unix()), tip.EarliestTime())}}
	height := tip.Height() + 1
	b.Txs = []*coin.Tx{nil}
	var fees coin.Amount
	if pool != nil && pool.Tip().Hash() == tip.Hash() {
		for _, e := range pool.Select(o.MaxWeight-reservedWeight, consensus.MaxBlockSigOpCost-reservedSigOps, height, tip.MedianTime()) {
			b.Txs = append(b.Txs, e.Tx)
			fees += e.Fee
		}
	}
	b.Txs[0] = coinbase(height, o, consensus.Subsidy(tip.Params(), height)+fees)
	consensus.SetWitnessCommitment(b)
	return b, fees, nil
}

// coinbase makes the transaction that pays the miner: the height first, as BIP 34 wants, then the extra nonce and the
// name.
func coinbase(height int32, o TemplateOptions, reward coin.Amount) *coin.Tx {
	in := script.PushInt(int64(height))
	in = append(in, script.PushData(binary.LittleEndian.AppendUint64(nil, o.ExtraNonce))...)
	if name := cleanName(o.Name); name != "" {
		in = append(in, script.PushData([]byte(nameTag+name+nameEnd))...)
	}
	return &coin.Tx{Version: 2,
		In:  []coin.TxIn{{Prev: coin.OutPoint{Index: coin.NullIndex}, Script: in, Sequence: coin.SequenceFinal}},
		Out: []coin.TxOut{{Value: reward, Script: o.PayTo}}}
}

// A name in a coinbase stands between these.
const (
	nameTag = "/cheese:"
	nameEnd = "/"
)

// maxName bounds a name in bytes, so that the coinbase's script stays well below consensus's 100.
const maxName = 48

// MinerName returns the name that a coinbase claims, cleaned of what cannot be printed; "" if none. Nobody checks the
// claim.
func MinerName(coinbase *coin.Tx) string {
	if coinbase == nil || len(coinbase.In) == 0 {
		return ""
	}
	_, rest, ok := strings.Cut(string(coinbase.In[0].Script), nameTag)
	if !ok {
		return ""
	}
	name, _, ok := strings.Cut(rest, nameEnd)
	if !ok {
		return ""
	}
	return cleanName(name)
}

// cleanName drops what is not printable or would end the name early, and cuts it to size at a character's boundary.
func cleanName(name string) string {
	name = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || r == '/' || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, name)
	for len(name) > maxName {
		_, size := utf8.DecodeLastRuneInString(name)
		name = name[:len(name)-size]
	}
	return strings.TrimSpace(name)
}
