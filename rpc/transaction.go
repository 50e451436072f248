package rpc

import (
	"errors"
	"strings"

	"cheese/chain"
	"cheese/coin"
	"cheese/consensus"
	"cheese/mempool"
	"cheese/script"
)

var transactionMethods = []method{
	{name: "decoderawtransaction", category: inTransactions, run: decodeRawTransaction,
		help: "Return a JSON object representing the serialized, hex-encoded transaction.",
		args: []arg{
			{name: "hexstring", kind: text, help: "The transaction hex string"},
			{name: "iswitness", kind: boolean, optional: true, standard: "depends on heuristic tests", help: "Whether the transaction hex is a serialized witness transaction"},
		},
		result: "(json object) txid, hash, version, size, vin, vout and more"},
	{name: "getrawtransaction", category: inTransactions, run: getRawTransaction,
		help: "Returns a transaction of the mempool, or of the block that blockhash names. Use gettransaction for those of the wallet.\n" +
			"Verbosity 0 gives hexadecimal data, 1 an object, 2 an object with fee and spent outputs.",
		args: []arg{
			{name: "txid", kind: text, help: "The transaction id"},
			{name: "verbosity|verbose", kind: level, optional: true, standard: "0", help: "0, 1 or 2; false means 0 and true means 1"},
			{name: "blockhash", kind: text, optional: true, help: "The block in which to look for the transaction"},
		},
		result: "The transaction as hexadecimal data or as an object"},
	{name: "sendrawtransaction", category: inTransactions, run: sendRawTransaction,
		help: "Submit a raw transaction (serialized, hex-encoded) to local node and network.",
		args: []arg{
			{name: "hexstring", kind: text, help: "The hex string of the raw transaction"},
			{name: "maxfeerate", kind: money, optional: true, standard: "0.10", help: "Reject transactions whose fee rate is higher than this many coins per 1000 virtual bytes; 0 accepts any"},
			{name: "maxburnamount", kind: money, optional: true, standard: "0.00", help: "Reject transactions with provably unspendable outputs of more than this"},
		},
		result: `"hex" (string) The transaction hash in hex`},
}

func decodeRawTransaction(c *call) (any, error) {
	b := c.bytes(0, "TX decode failed")
	witness := c.boolean(1, false)
	if c.err != nil {
		return nil, c.err
	}
	var tx *coin.Tx
	var err error
	if !c.has(1) || witness {
		tx, err = coin.ParseTx(b)
	}
	if !witness && (tx == nil || err != nil) {
		tx, err = parseWithoutWitness(b)
	}
	if err != nil {
		return nil, errorf(codeDecode, "TX decode failed: %v", err)
	}
	return c.server.txJSON(tx, nil, false), nil
}

// parseWithoutWitness reads the encoding from before segwit, in which alone a transaction may have no inputs.
func parseWithoutWitness(b []byte) (*coin.Tx, error) {
	const leastIn, leastOut = 41, 9 // bytes: outpoint, empty script and sequence; value and empty script
	r := coin.NewReader(b)
	tx := &coin.Tx{Version: int32(r.Uint32())}
	tx.In = make([]coin.TxIn, r.Count(leastIn))
	for i := range tx.In {
		tx.In[i] = coin.TxIn{Prev: coin.OutPoint{Hash: r.Hash(), Index: r.Uint32()}, Script: r.VarBytes(), Sequence: r.Uint32()}
	}
	tx.Out = make([]coin.TxOut, r.Count(leastOut))
	for i := range tx.Out {
		tx.Out[i] = coin.TxOut{Value: coin.Amount(r.Uint64()), Script: r.VarBytes()}
	}
	tx.LockTime = r.Uint32()
	return tx, r.Finish()
}

// located is a transaction and where it was found.
type located struct {
	tx    *coin.Tx
	spent []consensus.SpentCoin // nil where not known
	entry chain.Entry           // of its block
	block bool                  // it was found in one
}

func getRawTransaction(c *call) (any, error) {
	id, verbosity := c.hash(0, "parameter 1"), c.level(1, 0)
	if c.err != nil {
		return nil, c.err
	}
	if id == c.node.Params.Genesis.Merkle {
		return nil, errorf(codeAddressOrKey, "The genesis block coinbase is not considered an ordinary transaction and cannot be retrieved")
	}
	v := c.node.Chain.View()
	at, err := c.locate(v, id)
	if err != nil {
		return nil, err
	}
	if verbosity <= 0 {
		return hexed(at.tx.Bytes()), nil
	}
	if verbosity == 1 {
		at.spent = nil
	}
	j := c.server.txJSON(at.tx, at.spent, true).withHex(at.tx)
	if !at.block {
		return j, nil
	}
	active := v.Contains(at.entry.Hash)
	j.InActiveChain, j.BlockHash, j.Confirmations = &active, &at.entry.Hash, optional(int32(0))
	if active {
		j.Confirmations = optional(v.Tip().Height() - at.entry.Height + 1)
		j.Time, j.BlockTime = &at.entry.Header.Time, &at.entry.Header.Time
	}
	return j, nil
}

// locate finds a transaction in the block that argument 2 names, or else in the pool.
func (c *call) locate(v *chain.View, id coin.Hash) (at located, err error) {
	if !c.has(2) {
		e, ok := c.node.Pool.View().Get(id)
		if !ok {
			return at, errorf(codeAddressOrKey, "No such mempool transaction. Use -txindex or provide a block hash to enable blockchain transaction queries. Use gettransaction for wallet transactions.")
		}
		return located{tx: e.Tx}, nil
	}
	hash := c.hash(2, "parameter 3")
	if c.err != nil {
		return at, c.err
	}
	at.block = true
	if at.entry, at.block = v.ByHash(hash); !at.block {
		return at, errorf(codeAddressOrKey, "Block hash not found")
	}
	b, err := v.Block(hash)
	if errors.Is(err, chain.ErrNoBody) {
		return at, errorf(codeMisc, "Block not available")
	}
	if err != nil {
		return at, internal(err)
	}
	for i, tx := range b.Txs {
		if tx.ID() == id {
			at.tx, at.spent = tx, spentBy(v, b)[i]
			return at, nil
		}
	}
	return at, errorf(codeAddressOrKey, "No such transaction found in the provided block. Use gettransaction for wallet transactions.")
}

// defaultMaxFeeRate is the fee in crumbs per 1000 virtual bytes above which sendrawtransaction suspects a mistake.
const defaultMaxFeeRate = coin.Coin / 10

func sendRawTransaction(c *call) (any, error) {
	burn := c.money(2, 0)
	b := c.bytes(0, noTx)
	if c.err != nil {
		return nil, c.err
	}
	tx, err := coin.ParseTx(b)
	if err != nil {
		return nil, errorf(codeDecode, noTx)
	}
	if err := checkBurns(tx, burn); err != nil {
		return nil, err
	}
	maxRate := c.maxRate(1)
	if c.err != nil {
		return nil, c.err
	}
	if err := c.broadcast(tx, maxRate); err != nil {
		return nil, err
	}
	return tx.ID(), nil
}

// noTx answers bytes that are no transaction.
const noTx = "TX decode failed. Make sure the tx has at least one input."

// checkBurns refuses a transaction that sends more than burn where nobody can ever spend it.
func checkBurns(tx *coin.Tx, burn coin.Amount) error {
	for _, out := range tx.Out {
		if out.Value > burn && burns(out.Script) {
			return errorf(codeVerify, "Unspendable output exceeds maximum configured by user (maxburnamount)")
		}
	}
	return nil
}

// burns tells whether nobody can ever spend an output of this script: one that fails before it starts, or that cannot
// be parsed to its end.
func burns(s []byte) bool {
	asm := script.Disassemble(s)
	return script.IsUnspendable(s) || strings.Contains(asm, "[error]") || strings.Contains(asm, "OP_UNKNOWN")
}

// broadcast puts a transaction into the pool, from where p2p announces it. One that is there already is fine.
func (c *call) broadcast(tx *coin.Tx, maxRate coin.Amount) error {
	v := c.node.Chain.View()
	for i := range tx.Out {
		_, found, err := v.Coin(coin.OutPoint{Hash: tx.ID(), Index: uint32(i)})
		if err != nil {
			return internal(err)
		}
		if found {
			return errorf(codeInChain, "Transaction outputs already in utxo set")
		}
	}
	if c.node.Pool.View().Has(tx.ID()) {
		return nil
	}
	if maxRate > 0 { // what cannot come in is told so before what is too dear
		tried := c.node.Pool.Test([]*coin.Tx{tx})[0]
		if tried.Reject != nil {
			return rejection(tried.Reject)
		}
		if tried.Allowed && tried.Fee > feeAt(maxRate, tx.VSize()) {
			return errorf(codeVerify, "Fee exceeds maximum configured by user (e.g. -maxtxfee, maxfeerate)")
		}
	}
	return rejection(c.node.Pool.Accept(tx))
}

// rejection turns the pool's verdict into Core's code and words.
func rejection(err error) error {
	var r *mempool.RejectError
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &r):
		return internal(err)
	case len(r.Missing) > 0:
		return errorf(codeVerify, "%v", r)
	}
	return errorf(codeRejected, "%v", r)
}
