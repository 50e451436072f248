package rpc

import (
	"slices"

	"cheese/chain"
	"cheese/coin"
	"cheese/mempool"
	"cheese/wallet"
)

// walletTxJSON has the fields of Core's WalletTxToJSON in its order.
type walletTxJSON struct {
	Confirmations    int32       `json:"confirmations"` // negative: it cannot confirm any more
	Generated        bool        `json:"generated,omitempty"`
	Trusted          *bool       `json:"trusted,omitempty"`
	BlockHash        *coin.Hash  `json:"blockhash,omitempty"`
	BlockHeight      *int32      `json:"blockheight,omitempty"`
	BlockIndex       *int        `json:"blockindex,omitempty"`
	BlockTime        *uint32     `json:"blocktime,omitempty"`
	TxID             coin.Hash   `json:"txid"`
	WitnessID        coin.Hash   `json:"wtxid"`
	WalletConflicts  []coin.Hash `json:"walletconflicts"`
	MempoolConflicts []coin.Hash `json:"mempoolconflicts"`
	Time             int64       `json:"time"`
	TimeReceived     int64       `json:"timereceived"`
	Replaceable      string      `json:"bip125-replaceable"`
}

// movementJSON is one output of a wallet's transaction: something sent or received.
type movementJSON struct {
	Address   string  `json:"address,omitempty"`
	Category  string  `json:"category"`
	Amount    amount  `json:"amount"` // negative for "send"
	Label     *string `json:"label,omitempty"`
	Vout      int     `json:"vout"`
	Fee       *amount `json:"fee,omitempty"` // negative
	Abandoned bool    `json:"abandoned"`
}

// listedJSON is a line of listtransactions.
type listedJSON struct {
	movementJSON
	walletTxJSON
}

// history reads the wallet's transactions; it remembers the blocks that it has looked into for one call.
type history struct {
	call   *call
	chain  *chain.View
	pool   *mempool.View
	blocks map[coin.Hash]*coin.Block
}

func (c *call) history() *history {
	return &history{call: c, chain: c.node.Chain.View(), pool: c.node.Pool.View(), blocks: map[coin.Hash]*coin.Block{}}
}

// describe says what is known of a transaction as a whole.
func (h *history) describe(e *wallet.Entry, tx *coin.Tx) walletTxJSON {
	j := walletTxJSON{Confirmations: e.Confirmations, Generated: e.Kind == wallet.KindMined, TxID: e.TxID, WitnessID: tx.WitnessID(),
		WalletConflicts: []coin.Hash{}, MempoolConflicts: []coin.Hash{}, Time: e.Time.Unix(), TimeReceived: e.Time.Unix(), Replaceable: "no"}
	if e.Height >= 0 {
		h.locate(&j, e)
		return j
	}
	j.Trusted = optional(e.State == wallet.StatePending && (e.Kind == wallet.KindSent || e.Kind == wallet.KindMoved))
	for _, in := range tx.In {
		if id, ok := h.pool.Spender(in.Prev); ok && id != e.TxID {
			j.MempoolConflicts = append(j.MempoolConflicts, id)
		}
	}
	j.MempoolConflicts = sorted(j.MempoolConflicts)
	if e.State == wallet.StateConflicted && e.Kind != wallet.KindMined {
		j.Confirmations = -1
	}
	if e.Kind != wallet.KindMined && replaceable(h.pool, tx) {
		j.Replaceable = "yes"
	}
	return j
}

// locate fills in where in the chain a transaction is.
func (h *history) locate(j *walletTxJSON, e *wallet.Entry) {
	j.BlockHash, j.BlockHeight = &e.BlockHash, &e.Height
	if at, ok := h.chain.ByHash(e.BlockHash); ok {
		j.BlockTime = &at.Header.Time
	}
	b, ok := h.blocks[e.BlockHash]
	if !ok {
		b, _ = h.chain.Block(e.BlockHash) // without it the index stays unknown
		h.blocks[e.BlockHash] = b
	}
	if b == nil {
		return
	}
	if i := slices.IndexFunc(b.Txs, func(tx *coin.Tx) bool { return tx.ID() == e.TxID }); i >= 0 {
		j.BlockIndex = &i
	}
}

// movements lists a transaction's outputs that matter to the owner, as Core does: what we sent, then what we received.
// Our change is not among them.
func (h *history) movements(e *wallet.Entry, tx *coin.Tx) []movementJSON {
	var sent, received []movementJSON
	ours := e.Kind == wallet.KindSent || e.Kind == wallet.KindMoved
	abandoned := e.Kind == wallet.KindMined && e.State == wallet.StateConflicted
	for i, out := range tx.Out {
		address, _ := h.call.node.Params.Address(out.Script)
		mine := h.call.node.Wallet.Mine(out.Script)
		m := movementJSON{Address: address, Amount: amount(out.Value), Vout: i, Abandoned: abandoned}
		if ours && mine && (e.Kind == wallet.KindSent || address != e.Counterparty) {
			continue // change
		}
		if ours {
			s := m
			s.Category, s.Amount, s.Fee = "send", -m.Amount, optional(amount(-e.Fee))
			sent = append(sent, s)
		}
		if mine {
			m.Category, m.Label = category(e), optional("")
			received = append(received, m)
		}
	}
	return append(sent, received...)
}

// category is Core's word for what the wallet received by a transaction.
func category(e *wallet.Entry) string {
	switch {
	case e.Kind != wallet.KindMined:
		return "receive"
	case e.Height < 0:
		return "orphan"
	case e.State == wallet.StateImmature:
		return "immature"
	}
	return "generate"
}

func listTransactions(c *call) (any, error) {
	label, count, skip := c.text(0), c.integer(1, 10), c.integer(2, 0)
	switch {
	case c.err != nil:
		return nil, c.err
	case c.has(0) && label == "":
		return nil, errorf(codeParameter, `Label argument must be a valid label name or "*".`)
	case count < 0:
		return nil, errorf(codeParameter, "Negative count")
	case skip < 0:
		return nil, errorf(codeParameter, "Negative from")
	}
	lines := []listedJSON{}
	if c.has(0) && label != "*" || count == 0 {
		return lines, nil
	}
	h := c.history()
	for _, e := range c.node.Wallet.History(skip + count) { // newest first
		if len(lines) >= skip+count {
			break
		}
		_, tx, ok := c.node.Wallet.Transaction(e.TxID)
		if !ok {
			continue
		}
		about := h.describe(&e, tx)
		for _, m := range h.movements(&e, tx) {
			lines = append(lines, listedJSON{m, about})
		}
	}
	lines = lines[min(skip, len(lines)):min(skip+count, len(lines))]
	slices.Reverse(lines)
	return lines, nil
}

type transactionJSON struct {
	Amount amount  `json:"amount"`
	Fee    *amount `json:"fee,omitempty"` // negative
	walletTxJSON
	Details   []movementJSON `json:"details"`
	Hex       hexed          `json:"hex"`
	Decoded   *txJSON        `json:"decoded,omitempty"`
	Processed processedJSON  `json:"lastprocessedblock"`
}

func getTransaction(c *call) (any, error) {
	id, verbose := c.hash(0, "txid"), c.boolean(2, false)
	if c.err != nil {
		return nil, c.err
	}
	e, tx, ok := c.node.Wallet.Transaction(id)
	if !ok {
		return nil, errorf(codeAddressOrKey, "Invalid or non-wallet transaction id")
	}
	h := c.history()
	j := transactionJSON{Amount: amount(e.Net), walletTxJSON: h.describe(&e, tx), Details: h.movements(&e, tx), Hex: tx.Bytes(), Processed: c.processed()}
	switch {
	case e.Kind == wallet.KindSent || e.Kind == wallet.KindMoved:
		j.Amount, j.Fee = amount(e.Net+e.Fee), optional(amount(-e.Fee))
	case e.Kind == wallet.KindMined && category(&e) != "generate":
		j.Amount = 0 // as in Core, where what is immature is no credit yet
	}
	if verbose {
		j.Decoded = c.server.txJSON(tx, nil, false)
	}
	return j, nil
}
