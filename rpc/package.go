package rpc

import (
	"encoding/hex"
	"errors"

	"cheese/coin"
	"cheese/mempool"
)

var packageMethods = []method{
	{name: "prioritisetransaction", category: inMining, run: prioritiseTransaction,
		help: "Accepts the transaction into mined blocks at a higher (or lower) priority",
		args: []arg{
			{name: "txid", kind: text, help: "The transaction id."},
			{name: "dummy", kind: number, optional: true, help: "Must be zero or null."},
			{name: "fee_delta", kind: number, help: "The fee in crumbs (sat) to add, or subtract where negative. Nobody pays it."},
		},
		result: "true (boolean)"},
	{name: "submitpackage", category: inTransactions, run: submitPackage,
		help: "Submit a package of raw transactions (serialized, hex-encoded) to local node: a child with its unconfirmed parents,\n" +
			"parents first. What a parent lacks in fee, its child may pay.",
		args: []arg{
			{name: "package", kind: list, help: "The raw transactions, 2 to 25."},
			{name: "maxfeerate", kind: money, optional: true, standard: "0.10", help: "Reject transactions whose fee rate is higher than this many coins per 1000 virtual bytes; 0 accepts any"},
			{name: "maxburnamount", kind: money, optional: true, standard: "0.00", help: "Reject transactions with provably unspendable outputs of more than this"},
		},
		result: "(json object) package_msg, tx-results, replaced-transactions"},
	{name: "testmempoolaccept", category: inTransactions, run: testMempoolAccept,
		help: "Returns whether raw transactions (serialized, hex-encoded) would be accepted by mempool: one by itself, or several\n" +
			"together, parents first.",
		args: []arg{
			{name: "rawtxs", kind: list, help: "The raw transactions, 1 to 25."},
			{name: "maxfeerate", kind: money, optional: true, standard: "0.10", help: "Reject transactions whose fee rate is higher than this many coins per 1000 virtual bytes; 0 accepts any"},
		},
		result: "(json array) of objects: txid, wtxid, package-error, allowed, vsize, fees, reject-reason"},
}

func prioritiseTransaction(c *call) (any, error) {
	id, delta := c.hash(0, "txid"), c.long(2, 0)
	zero := true
	if c.has(1) {
		n, err := fixedPoint(c.params[1], 8)
		zero = err == nil && n == 0
	}
	switch {
	case c.err != nil:
		return nil, c.err
	case !zero:
		return nil, errorf(codeParameter, "Priority is no longer supported, dummy argument to prioritisetransaction must be 0.")
	}
	c.node.Pool.Prioritise(id, coin.Amount(delta))
	return true, nil
}

// rawTxs reads argument i, least to mempool.MaxPackageCount transactions in hexadecimal digits, for decodeTxs.
func (c *call) rawTxs(i, least int) []string {
	raw := c.texts(i)
	if len(raw) < least || len(raw) > mempool.MaxPackageCount {
		c.fail(errorf(codeParameter, "Array must contain between %d and %d transactions.", least, mempool.MaxPackageCount))
	}
	return raw
}

func decodeTxs(raw []string) (txs []*coin.Tx, err error) {
	for _, digits := range raw {
		b, err := hex.DecodeString(digits)
		var tx *coin.Tx
		if err == nil {
			tx, err = coin.ParseTx(b)
		}
		if err != nil {
			return nil, errorf(codeDecode, "TX decode failed: %s Make sure the tx has at least one input.", clip(digits))
		}
		txs = append(txs, tx)
	}
	return txs, nil
}

// maxRate returns argument i, a fee rate in crumbs per 1000 virtual bytes; 0 for none.
func (c *call) maxRate(i int) coin.Amount {
	rate := c.money(i, defaultMaxFeeRate)
	if rate >= coin.Coin {
		c.fail(errorf(codeParameter, "Fee rates larger than or equal to 1BTC/kvB are not accepted"))
	}
	return rate
}

// feeAt returns what size virtual bytes cost at a rate, rounded up.
func feeAt(rate coin.Amount, size int) coin.Amount { return (rate*coin.Amount(size) + 999) / 1000 }

type packageFeesJSON struct {
	Base          amount      `json:"base"`
	EffectiveRate *amount     `json:"effective-feerate,omitempty"`
	Includes      []coin.Hash `json:"effective-includes,omitempty"`
}

func feesOf(v *mempool.Verdict) *packageFeesJSON {
	j := &packageFeesJSON{Base: amount(v.Fee)}
	if !v.AlreadyHere { // it is not known at which rate that came in
		j.EffectiveRate, j.Includes = optional(amount(v.EffectiveFeeRate)), v.EffectiveWith
	}
	return j
}

type testedJSON struct {
	TxID         coin.Hash        `json:"txid"`
	WitnessID    coin.Hash        `json:"wtxid"`
	PackageError string           `json:"package-error,omitempty"`
	Allowed      *bool            `json:"allowed,omitempty"`
	VSize        int              `json:"vsize,omitempty"`
	Fees         *packageFeesJSON `json:"fees,omitempty"`
	Reason       string           `json:"reject-reason,omitempty"`
}

func testMempoolAccept(c *call) (any, error) {
	raw, maxRate := c.rawTxs(0, 1), c.maxRate(1)
	if c.err != nil {
		return nil, c.err
	}
	txs, err := decodeTxs(raw)
	if err != nil {
		return nil, err
	}
	verdicts := c.node.Pool.Test(txs)
	results, dear := make([]testedJSON, len(txs)), false
	for i := range verdicts {
		v, j := &verdicts[i], &results[i]
		*j = testedJSON{TxID: v.TxID, WitnessID: v.WitnessID, PackageError: v.PackageError}
		switch {
		case dear || v.Unfinished: // after one that is too dear nothing is said: its descendants would not be sent
		case !v.Allowed:
			j.Allowed, j.Reason = optional(false), v.Reason
		case maxRate > 0 && v.Fee > feeAt(maxRate, v.VSize):
			dear = true
			j.Allowed, j.Reason = optional(false), "max-fee-exceeded"
		default:
			j.Allowed, j.VSize, j.Fees = optional(true), v.VSize, feesOf(v)
		}
	}
	return results, nil
}

type packageJSON struct {
	Message  string                `json:"package_msg"`
	Results  keyed[packagedTxJSON] `json:"tx-results"`
	Replaced []coin.Hash           `json:"replaced-transactions"`
}

type packagedTxJSON struct {
	TxID         coin.Hash        `json:"txid"`
	OtherWitness *coin.Hash       `json:"other-wtxid,omitempty"`
	Error        string           `json:"error,omitempty"`
	VSize        int              `json:"vsize,omitempty"`
	Fees         *packageFeesJSON `json:"fees,omitempty"`
}

func submitPackage(c *call) (any, error) {
	raw, maxRate, burn := c.rawTxs(0, 2), c.maxRate(1), c.money(2, 0)
	if c.err != nil {
		return nil, c.err
	}
	txs, err := decodeTxs(raw)
	if err != nil {
		return nil, err
	}
	for _, tx := range txs {
		if err := checkBurns(tx, burn); err != nil {
			return nil, err
		}
	}
	r, err := c.node.Pool.AcceptPackageCapped(txs, maxRate)
	if errors.Is(err, mempool.ErrTopology) {
		return nil, errorf(codeVerify, "%v", err)
	}
	if err != nil {
		return nil, internal(err)
	}
	j := packageJSON{Message: r.Message, Replaced: append([]coin.Hash{}, r.Replaced...)}
	for i := range r.Verdicts {
		v := &r.Verdicts[i]
		if v.Unfinished {
			continue
		}
		j.Results = append(j.Results, struct {
			key   coin.Hash
			value packagedTxJSON
		}{v.WitnessID, packagedTx(v)})
	}
	return j, nil
}

func packagedTx(v *mempool.Verdict) packagedTxJSON {
	j := packagedTxJSON{TxID: v.TxID}
	switch {
	case v.OtherWitness != coin.Hash{}:
		j.OtherWitness = &v.OtherWitness
	case v.Allowed:
		j.VSize, j.Fees = v.VSize, feesOf(v)
	case v.Reject != nil:
		j.Error = v.Reject.Error()
	default:
		j.Error = v.Reason
	}
	return j
}
