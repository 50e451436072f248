package consensus

import (
	"fmt"

	"cheese/coin"
)

// Coin is an unspent output and where it came from.
type Coin struct {
	Out      coin.TxOut
	Height   int32 // of the block that made it
	Coinbase bool  // made by a coinbase, and so spendable only after Params.Maturity blocks
}

// Coins finds unspent outputs.
type Coins interface {
	Coin(coin.OutPoint) (Coin, bool)
}

// CoinMap is a set of coins in memory.
type CoinMap map[coin.OutPoint]Coin

// Coin finds an unspent output.
func (m CoinMap) Coin(o coin.OutPoint) (Coin, bool) {
	c, ok := m[o]
	return c, ok
}

// Sizes of a coinbase's input script in bytes.
const (
	minCoinbaseScript = 2
	maxCoinbaseScript = 100
)

// CheckTx checks what a transaction must keep wherever it stands. Its *RuleErrors carry no detail, as in Core.
func CheckTx(tx *coin.Tx) error {
	switch {
	case len(tx.In) == 0:
		return invalid("bad-txns-vin-empty", "")
	case len(tx.Out) == 0:
		return invalid("bad-txns-vout-empty", "")
	case tx.BaseSize()*coin.WitnessScale > MaxBlockWeight:
		return invalid("bad-txns-oversize", "")
	}
	if err := checkOutputs(tx.Out); err != nil {
		return err
	}
	if repeatsInput(tx.In) {
		return invalid("bad-txns-inputs-duplicate", "")
	}
	if tx.IsCoinbase() {
		if n := len(tx.In[0].Script); n < minCoinbaseScript || n > maxCoinbaseScript {
			return invalid("bad-cb-length", "")
		}
		return nil
	}
	for i := range tx.In {
		if tx.In[i].Prev.IsNull() {
			return invalid("bad-txns-prevout-null", "")
		}
	}
	return nil
}

// checkOutputs keeps every amount and every running sum within the money there is (CVE-2010-5139).
func checkOutputs(outs []coin.TxOut) error {
	var total coin.Amount
	for i := range outs {
		v := outs[i].Value
		switch {
		case v < 0:
			return invalid("bad-txns-vout-negative", "")
		case v > coin.MaxMoney:
			return invalid("bad-txns-vout-toolarge", "")
		}
		if total += v; !total.InRange() {
			return invalid("bad-txns-txouttotal-toolarge", "")
		}
	}
	return nil
}

// fewInputs is up to how many inputs comparing every pair is cheaper than a map.
const fewInputs = 16

// repeatsInput tells whether an output is spent twice (CVE-2018-17144).
func repeatsInput(ins []coin.TxIn) bool {
	if len(ins) <= fewInputs {
		for i := range ins {
			for j := range ins[:i] {
				if ins[i].Prev == ins[j].Prev {
					return true
				}
			}
		}
		return false
	}
	seen := make(map[coin.OutPoint]struct{}, len(ins))
	for i := range ins {
		seen[ins[i].Prev] = struct{}{}
	}
	return len(seen) < len(ins)
}

// CheckTxInputs checks the money of a transaction that passed CheckTx and is no coinbase, as part of a block at the
// given height, and returns its fee.
func CheckTxInputs(tx *coin.Tx, in Coins, height int32, p *coin.Params) (fee coin.Amount, err error) {
	spent, err := fetch(nil, tx, in)
	if err != nil {
		return 0, err
	}
	return checkMoney(tx, spent, height, p)
}

// fetch appends the coins that tx spends, in the order of its inputs.
func fetch(spent []SpentCoin, tx *coin.Tx, in Coins) ([]SpentCoin, error) {
	for i := range tx.In {
		c, ok := in.Coin(tx.In[i].Prev)
		if !ok {
			return nil, invalid("bad-txns-inputs-missingorspent", "CheckTxInputs: inputs missing/spent")
		}
		spent = append(spent, SpentCoin{tx.In[i].Prev, c})
	}
	return spent, nil
}

// checkMoney checks maturity and sums. The details are Core's.
func checkMoney(tx *coin.Tx, spent []SpentCoin, height int32, p *coin.Params) (fee coin.Amount, err error) {
	var in, out coin.Amount
	for i := range spent {
		c := &spent[i].Coin
		if depth := height - c.Height; c.Coinbase && depth < p.Maturity {
			return 0, invalid("bad-txns-premature-spend-of-coinbase", "tried to spend coinbase at depth %d", depth)
		}
		if !c.Out.Value.InRange() || !(in + c.Out.Value).InRange() {
			return 0, invalid("bad-txns-inputvalues-outofrange", "")
		}
		in += c.Out.Value
	}
	for i := range tx.Out {
		out += tx.Out[i].Value // cannot overflow: CheckTx bounds the sum
	}
	if in < out {
		return 0, invalid("bad-txns-in-belowout", "value in (%s) < value out (%s)", money(in), money(out))
	}
	if fee = in - out; !fee.InRange() {
		return 0, invalid("bad-txns-fee-outofrange", "") // unreachable while both sums are in range; Core checks it too
	}
	return fee, nil
}

// Subsidy returns what the coinbase of the block at that height may make anew: Params.Subsidy, halved every
// Params.HalvingInterval blocks.
func Subsidy(p *coin.Params, height int32) coin.Amount {
	return p.Subsidy >> (height / p.HalvingInterval) // nothing is left of it from 64 halvings on, if not before
}

// money formats an amount as Core's messages have it: at least two decimals and no zeros after those.
func money(a coin.Amount) string {
	s := a.String()
	least := len(s) - 6
	for len(s) > least && s[len(s)-1] == '0' {
		s = s[:len(s)-1]
	}
	return s
}

// badVersion is the one reject string with a number in it.
func badVersion(v int32) string { return fmt.Sprintf("bad-version(0x%08x)", uint32(v)) }
