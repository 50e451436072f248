package rpc

import (
	"cheese/chain"
	"cheese/coin"
)

var txOutSetMethods = []method{
	{name: "gettxoutsetinfo", category: inBlockchain, run: getTxOutSetInfo,
		help: "Returns statistics about the unspent transaction output set. Note this call may take some time.",
		args: []arg{
			{name: "hash_type", kind: text, optional: true, standard: "hash_serialized_3", help: `Which hash should be calculated: "hash_serialized_3", "muhash" or "none".`},
			{name: "hash_or_height", kind: either, optional: true, standard: "the best block", help: "Another block; it needs an index that is not served yet."},
			{name: "use_index", kind: boolean, optional: true, standard: "true", help: "Ignored: there is no such index yet."},
		},
		result: "(json object) height, bestblock, txouts, bogosize, the hash, total_amount, transactions, disk_size"},
}

type txOutSetJSON struct {
	Height       int32      `json:"height"`
	Best         coin.Hash  `json:"bestblock"`
	TxOuts       int64      `json:"txouts"`
	Bogosize     int64      `json:"bogosize"`
	Serialized   *coin.Hash `json:"hash_serialized_3,omitempty"`
	MuHash       *coin.Hash `json:"muhash,omitempty"`
	Amount       amount     `json:"total_amount"`
	Transactions int64      `json:"transactions"`
	DiskSize     int64      `json:"disk_size"`
}

func getTxOutSetInfo(c *call) (any, error) {
	kind := c.text(0)
	c.boolean(2, true)
	if c.err != nil {
		return nil, c.err
	}
	if c.has(1) {
		return nil, errorf(codeParameter, "Querying specific block heights requires coinstatsindex")
	}
	v := c.node.Chain.View()
	j := txOutSetJSON{Height: v.Tip().Height(), Best: v.Tip().Hash()}
	var s chain.Stats
	var h coin.Hash
	var err error
	switch kind {
	case "", "hash_serialized_3":
		h, s, err = v.SerializedHash()
		j.Serialized = &h
	case "muhash":
		h, s, err = v.MuHash()
		j.MuHash = &h
	case "none":
		s, err = v.Stats()
	default:
		return nil, errorf(codeParameter, "'%s' is not a valid hash_type", clip(kind))
	}
	if err != nil {
		return nil, internal(err)
	}
	j.TxOuts, j.Bogosize, j.Amount, j.Transactions, j.DiskSize = s.TxOuts, s.Bogosize, amount(s.Amount), s.Transactions, s.DiskSize
	return j, nil
}
