package rpc

import (
	"errors"

	"cheese/coin"
	"cheese/mempool"
	"cheese/wallet"
)

var walletMethods = []method{
	{name: "getbalance", category: inWallet, run: getBalance,
		help: "Returns the total available balance: what the wallet can spend now.",
		args: []arg{
			{name: "dummy", kind: text, optional: true, help: `Remains for backward compatibility. Must be excluded or set to "*".`},
			{name: "minconf", kind: number, optional: true, standard: "0", help: "Only include transactions confirmed at least this many times."},
			{name: "include_watchonly", kind: boolean, optional: true, standard: "false", help: "This wallet watches no foreign addresses; ignored."},
			{name: "avoid_reuse", kind: boolean, optional: true, standard: "true", help: "Ignored."},
		},
		result: "n (numeric) The total amount"},
	{name: "getbalances", category: inWallet, run: getBalances,
		help:   "Returns an object with all balances.",
		result: "(json object) mine: trusted, untrusted_pending, immature; lastprocessedblock: hash, height"},
	{name: "getnewaddress", category: inWallet, run: getNewAddress,
		help: "Returns a new address for receiving payments.",
		args: []arg{
			{name: "label", kind: text, optional: true, standard: `""`, help: "Accepted for compatibility; this wallet keeps no labels."},
			{name: "address_type", kind: text, optional: true, standard: "bech32m", help: `The address type; this wallet has "bech32m" (taproot) only.`},
		},
		result: `"str" (string) The new address`},
	{name: "gettransaction", category: inWallet, run: getTransaction,
		help: "Get detailed information about in-wallet transaction <txid>.",
		args: []arg{
			{name: "txid", kind: text, help: "The transaction id"},
			{name: "include_watchonly", kind: boolean, optional: true, standard: "false", help: "Ignored."},
			{name: "verbose", kind: boolean, optional: true, standard: "false", help: "Whether to include a `decoded` field containing the decoded transaction"},
		},
		result: "(json object) amount, fee, confirmations, details, hex and more"},
	{name: "listtransactions", category: inWallet, run: listTransactions,
		help: "Returns up to 'count' most recent transactions skipping the first 'skip' transactions, the newest last.",
		args: []arg{
			{name: "label|dummy", kind: text, optional: true, help: `"*" for all transactions; this wallet keeps no labels, so that any other finds none.`},
			{name: "count", kind: number, optional: true, standard: "10", help: "The number of transactions to return"},
			{name: "skip", kind: number, optional: true, standard: "0", help: "The number of transactions to skip"},
			{name: "include_watchonly", kind: boolean, optional: true, standard: "false", help: "Ignored."},
		},
		result: "(json array) of objects: address, category, amount, vout, fee, confirmations, txid and more"},
	{name: "sendtoaddress", category: inWallet, run: sendToAddress,
		help: "Send an amount to a given address.",
		args: []arg{
			{name: "address", kind: text, help: "The address to send to."},
			{name: "amount", kind: money, help: "The amount to send. eg 0.1"},
			{name: "comment", kind: text, optional: true, help: "Accepted for compatibility and not kept."},
			{name: "comment_to", kind: text, optional: true, help: "Accepted for compatibility and not kept."},
			{name: "subtractfeefromamount", kind: boolean, optional: true, standard: "false", help: "The fee will be deducted from the amount being sent."},
			{name: "replaceable", kind: boolean, optional: true, standard: "true", help: "Ignored: the network replaces by fee whatever a transaction signals."},
			{name: "conf_target", kind: number, optional: true, help: "Confirmation target in blocks; ignored, since fees are not estimated."},
			{name: "estimate_mode", kind: text, optional: true, standard: "unset", help: "Ignored."},
			{name: "avoid_reuse", kind: boolean, optional: true, standard: "true", help: "Ignored."},
			{name: "fee_rate", kind: money, optional: true, standard: "2, or the pool's minimum", help: "Fee rate in crumbs (sat) per virtual byte, rounded up to a whole number."},
			{name: "verbose", kind: boolean, optional: true, standard: "false", help: "If true, return extra information about the transaction."},
		},
		result: `"hex" (string) The transaction id, or for verbose an object with txid and fee_reason`},
}

func getBalance(c *call) (any, error) {
	dummy, least := c.text(0), c.integer(1, 0)
	if c.err != nil {
		return nil, c.err
	}
	if c.has(0) && dummy != "*" {
		return nil, errorf(codeDeprecated, `dummy first argument must be excluded or set to "*".`)
	}
	var sum coin.Amount
	for _, own := range c.node.Wallet.Coins() {
		if own.Spendable && int(own.Confirmations) >= least {
			sum += own.Out.Value
		}
	}
	return amount(sum), nil
}

type balanceJSON struct {
	Trusted   amount `json:"trusted"`
	Untrusted amount `json:"untrusted_pending"`
	Immature  amount `json:"immature"`
}

type processedJSON struct {
	Hash   coin.Hash `json:"hash"`
	Height int32     `json:"height"`
}

type balancesJSON struct {
	Mine      balanceJSON   `json:"mine"`
	Processed processedJSON `json:"lastprocessedblock"`
}

func getBalances(c *call) (any, error) {
	processed := c.processed()
	b := c.node.Wallet.Balance()
	untrusted := b.Total() - b.Spendable - b.Immature // Spendable has our own change that waits
	return balancesJSON{Mine: balanceJSON{Trusted: amount(b.Spendable), Untrusted: amount(untrusted), Immature: amount(b.Immature)}, Processed: processed}, nil
}

// processed names the block that the wallet has seen at least: it catches up before it answers.
func (c *call) processed() processedJSON {
	tip := c.node.Chain.View().Tip()
	return processedJSON{Hash: tip.Hash(), Height: tip.Height()}
}

func getNewAddress(c *call) (any, error) {
	c.text(0)
	kind := c.text(1)
	if c.err != nil {
		return nil, c.err
	}
	switch kind {
	case "", "bech32m":
	case "legacy", "p2sh-segwit", "bech32":
		return nil, errorf(codeKeypool, "Error: No %s addresses available. This wallet has bech32m (taproot) addresses only.", kind)
	default:
		return nil, errorf(codeAddressOrKey, "Unknown address type '%s'", clip(kind))
	}
	address, err := c.node.Wallet.NewAddress()
	if err != nil {
		return nil, errorf(codeWallet, "%v", err)
	}
	return address, nil
}

type sentJSON struct {
	TxID   coin.Hash `json:"txid"`
	Reason string    `json:"fee_reason"`
}

func sendToAddress(c *call) (any, error) {
	r := wallet.SendRequest{To: c.text(0), Amount: c.money(1, 0), SubtractFee: c.boolean(4, false)}
	rate, verbose := c.feeRate(9), c.boolean(10, false)
	switch {
	case c.err != nil:
		return nil, c.err
	case c.has(9) && c.has(6):
		return nil, errorf(codeParameter, "Cannot specify both conf_target and fee_rate. Please provide either a confirmation target in blocks for automatic fee estimation, or an explicit fee rate.")
	}
	r.FeeRate = rate
	tx, _, err := c.node.Wallet.Send(c.ctx, r)
	if err != nil {
		return nil, sendError(err)
	}
	if verbose {
		return sentJSON{tx.ID(), map[bool]string{true: "None", false: "Fallback fee"}[c.has(9)]}, nil
	}
	return tx.ID(), nil
}

// feeRate returns argument i in whole crumbs per virtual byte, rounded up from at most three decimals; 0 where it was
// left out.
func (c *call) feeRate(i int) coin.Amount {
	if !c.has(i) {
		return 0
	}
	const decimals, unit = 3, 1000
	n, err := fixedPoint(c.params[i], decimals)
	switch {
	case err != nil:
		c.fail(err)
	case n <= 0 || coin.Amount(n/unit) > wallet.MaxFeeRate:
		c.fail(errorf(codeParameter, "fee_rate must be more than 0 and at most %d crumbs per virtual byte", int64(wallet.MaxFeeRate)))
	}
	return coin.Amount((n + unit - 1) / unit)
}

// sendError gives the wallet's refusals Core's codes, and the words that callers look for in front of its own.
func sendError(err error) error {
	var (
		address      *wallet.AddressError
		sum          *wallet.AmountError
		rate         *wallet.FeeRateError
		insufficient *wallet.ErrInsufficient
		tooMany      *wallet.ErrTooManyCoins
		rejected     *mempool.RejectError
	)
	switch {
	case errors.As(err, &address):
		return errorf(codeAddressOrKey, "Invalid Bitcoin address: %s (%v)", clip(address.Address), address.Err)
	case errors.As(err, &insufficient):
		return errorf(codeFunds, "Insufficient funds (%v)", insufficient)
	case errors.As(err, &tooMany):
		return errorf(codeFunds, "Insufficient funds (%v)", tooMany)
	case errors.As(err, &sum):
		return errorf(codeFunds, "Transaction amount too small (%v)", sum)
	case errors.As(err, &rate):
		return errorf(codeParameter, "%v", rate)
	case errors.As(err, &rejected):
		return errorf(codeWallet, "Error: The transaction was rejected! Reason given: %v", rejected)
	}
	return errorf(codeWallet, "%v", err)
}
