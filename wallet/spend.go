package wallet

import (
	"errors"
	"fmt"
	"io"

	"cheese/coin"
	"cheese/mempool"
	"cheese/script"
)

// sequenceRBF signals that a transaction may be replaced by one that pays more (BIP 125) and leaves relative lock
// times off (BIP 68).
const sequenceRBF = 0xfffffffd

// ownCoin is an unspent output that we have the key for.
type ownCoin struct {
	out      coin.TxOut
	key      keyRef
	height   int32 // -1: unconfirmed
	coinbase bool
}

// paymentWeight returns the weight of a transaction with these outputs, before inputs and change.
func paymentWeight(outs []coin.TxOut) int {
	bytes := 4 + 1 + coin.CompactSizeLen(uint64(len(outs)+1)) + 4 // version, counts, lock time
	for i := range outs {
		bytes += 8 + coin.CompactSizeLen(uint64(len(outs[i].Script))) + len(outs[i].Script)
	}
	return bytes*coin.WitnessScale + 2 // and BIP 144's marker and flag
}

// destination resolves whom a request pays.
func (r *SendRequest) destination(p *coin.Params) ([]byte, error) {
	switch {
	case r.To != "" && r.Script != nil:
		return nil, &AddressError{Address: r.To, Err: errors.New("an address and a script are given; one of them is needed")}
	case r.To != "":
		s, err := p.ParseAddress(r.To)
		if err != nil {
			return nil, &AddressError{Address: r.To, Err: err}
		}
		return s, nil
	case len(r.Script) > 0:
		return r.Script, nil
	}
	return nil, &AddressError{Err: errors.New("an address to pay to is missing")}
}

// check refuses amounts and fee rates that nobody can mean. s is the destination.
func (r *SendRequest) check(s []byte) error {
	switch least := mempool.DustLimit(s); {
	case r.Amount <= 0:
		return &AmountError{Amount: r.Amount, Reason: "a payment must be more than zero"}
	case r.Amount > coin.MaxMoney:
		return &AmountError{Amount: r.Amount, Reason: fmt.Sprintf("it is more than all the money there will ever be, %v", coin.MaxMoney)}
	case r.Amount < least:
		return &AmountError{Amount: r.Amount, Reason: fmt.Sprintf("it is dust: peers do not relay less than %v to such an address", least)}
	case r.FeeRate != 0 && (r.FeeRate < MinFeeRate || r.FeeRate > MaxFeeRate):
		return &FeeRateError{Asked: r.FeeRate, Min: MinFeeRate, Max: MaxFeeRate}
	}
	return nil
}

// draft is an unsigned payment.
type draft struct {
	tx     *coin.Tx
	spent  []*ownCoin // by input
	fee    coin.Amount
	change coin.Amount
	paid   coin.Amount
}

// available is a coin that may be spent now and its place.
type available struct {
	at coin.OutPoint
	*ownCoin
}

// compose chooses from coins and builds the transaction that pays amount to s. changeScript is asked for only where
// there is change. coinFlip decides on which side of the payment the change goes.
func compose(coins []available, s []byte, amount, rate coin.Amount, subtract bool, changeScript func() ([]byte, error), coinFlip bool) (*draft, error) {
	t := target{pay: amount, rate: rate, weight: paymentWeight([]coin.TxOut{{Script: s}}), subtract: subtract}
	values := make([]coin.Amount, len(coins))
	for i, c := range coins {
		values[i] = c.out.Value
	}
	sel, err := choose(values, t)
	if err != nil {
		return nil, err
	}
	d := &draft{tx: &coin.Tx{Version: 2}, fee: sel.fee, change: sel.change}
	var in coin.Amount
	for _, i := range sel.chosen {
		d.tx.In = append(d.tx.In, coin.TxIn{Prev: coins[i].at, Sequence: sequenceRBF})
		d.spent = append(d.spent, coins[i].ownCoin)
		in += coins[i].out.Value
	}
	d.paid = in - sel.fee - sel.change
	if least := mempool.DustLimit(s); d.paid < least {
		return nil, &AmountError{Amount: amount, Reason: fmt.Sprintf("after the fee of %v, less than the least payment of %v is left", sel.fee, least)}
	}
	d.tx.Out = []coin.TxOut{{Value: d.paid, Script: s}}
	if sel.change > 0 {
		cs, err := changeScript()
		if err != nil {
			return nil, err
		}
		d.tx.Out = append(d.tx.Out, coin.TxOut{Value: sel.change, Script: cs})
		if coinFlip { // so that a stranger cannot tell which output is the change
			d.tx.Out[0], d.tx.Out[1] = d.tx.Out[1], d.tx.Out[0]
		}
	}
	return d, nil
}

// sign returns the signed transaction (BIP 341 key path, default hash type).
func (d *draft) sign(keys *keyring, rand io.Reader) (*coin.Tx, error) {
	prev := make([]coin.TxOut, len(d.spent))
	for i, c := range d.spent {
		prev[i] = c.out
	}
	spend, signed := script.NewSpend(d.tx, prev), d.tx.Clone()
	for i, c := range d.spent {
		digest, err := spend.TaprootSigHash(i, script.SigHashDefault)
		if err != nil {
			return nil, fmt.Errorf("sign input %d: %w", i, err)
		}
		var aux [32]byte
		if _, err := io.ReadFull(rand, aux[:]); err != nil {
			return nil, fmt.Errorf("read randomness for a signature: %w", err)
		}
		sig, err := keys.sign(c.key, digest, aux)
		if err != nil {
			return nil, fmt.Errorf("sign input %d: %w", i, err)
		}
		signed.In[i].Witness = [][]byte{sig}
	}
	return signed, nil
}
