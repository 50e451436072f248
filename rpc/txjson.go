package rpc

import (
	"cheese/coin"
	"cheese/consensus"
	"cheese/script"
)

// Field order and names in this file are those of Core's TxToUniv and ScriptToUniv.

type scriptJSON struct {
	Asm     string `json:"asm"`
	Desc    string `json:"desc"`
	Hex     hexed  `json:"hex"`
	Address string `json:"address,omitempty"`
	Type    string `json:"type"`
}

func (s *Server) scriptJSON(output []byte) scriptJSON {
	p := s.node.Params
	class, _ := script.Classify(output)
	address, _ := p.Address(output)
	return scriptJSON{Asm: script.Disassemble(output), Desc: descriptor(p, output), Hex: output, Address: address, Type: class.String()}
}

type inputScriptJSON struct {
	Asm string `json:"asm"`
	Hex hexed  `json:"hex"`
}

type prevoutJSON struct {
	Generated bool       `json:"generated"`
	Height    int32      `json:"height"`
	Value     amount     `json:"value"`
	Script    scriptJSON `json:"scriptPubKey"`
}

type inputJSON struct {
	Coinbase *hexed           `json:"coinbase,omitempty"`
	TxID     *coin.Hash       `json:"txid,omitempty"`
	Vout     *uint32          `json:"vout,omitempty"`
	Script   *inputScriptJSON `json:"scriptSig,omitempty"`
	Witness  []hexed          `json:"txinwitness,omitempty"`
	Prevout  *prevoutJSON     `json:"prevout,omitempty"`
	Sequence uint32           `json:"sequence"`
}

type outputJSON struct {
	Value  amount     `json:"value"`
	N      int        `json:"n"`
	Script scriptJSON `json:"scriptPubKey"`
}

type txJSON struct {
	InActiveChain *bool        `json:"in_active_chain,omitempty"`
	TxID          coin.Hash    `json:"txid"`
	Hash          coin.Hash    `json:"hash"`
	Version       uint32       `json:"version"`
	Size          int          `json:"size"`
	VSize         int          `json:"vsize"`
	Weight        int          `json:"weight"`
	LockTime      uint32       `json:"locktime"`
	In            []inputJSON  `json:"vin"`
	Out           []outputJSON `json:"vout"`
	Fee           *amount      `json:"fee,omitempty"`
	Hex           hexed        `json:"hex,omitempty"`
	BlockHash     *coin.Hash   `json:"blockhash,omitempty"`
	Confirmations *int32       `json:"confirmations,omitempty"`
	Time          *uint32      `json:"time,omitempty"`
	BlockTime     *uint32      `json:"blocktime,omitempty"`
}

// txJSON describes a transaction, without its encoding. spent holds the coins that its inputs spend, or is nil where
// they are not known; they give the fee and, where prevouts is true, a description of each.
func (s *Server) txJSON(tx *coin.Tx, spent []consensus.SpentCoin, prevouts bool) *txJSON {
	j := &txJSON{TxID: tx.ID(), Hash: tx.WitnessID(), Version: uint32(tx.Version), Size: tx.Size(), VSize: tx.VSize(), Weight: tx.Weight(),
		LockTime: tx.LockTime, In: make([]inputJSON, len(tx.In)), Out: make([]outputJSON, len(tx.Out))}
	var fee coin.Amount
	for i := range tx.In {
		j.In[i] = inputOf(tx, i)
		if spent == nil {
			continue
		}
		c := spent[i].Coin
		fee += c.Out.Value
		if prevouts {
			j.In[i].Prevout = &prevoutJSON{Generated: c.Coinbase, Height: c.Height, Value: amount(c.Out.Value), Script: s.scriptJSON(c.Out.Script)}
		}
	}
	for i, out := range tx.Out {
		j.Out[i] = outputJSON{Value: amount(out.Value), N: i, Script: s.scriptJSON(out.Script)}
		fee -= out.Value
	}
	if spent != nil {
		j.Fee = optional(amount(fee))
	}
	return j
}

func inputOf(tx *coin.Tx, i int) inputJSON {
	in := &tx.In[i]
	j := inputJSON{Sequence: in.Sequence}
	for _, item := range in.Witness {
		j.Witness = append(j.Witness, item)
	}
	if tx.IsCoinbase() {
		j.Coinbase = optional(hexed(in.Script))
		return j
	}
	j.TxID, j.Vout = &in.Prev.Hash, &in.Prev.Index
	j.Script = &inputScriptJSON{Asm: script.DisassembleInput(in.Script), Hex: in.Script}
	return j
}

// withHex adds the encoding, which every result but decoderawtransaction's has.
func (j *txJSON) withHex(tx *coin.Tx) *txJSON {
	j.Hex = tx.Bytes()
	return j
}
