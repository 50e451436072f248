package mempool

import (
	"errors"
	"fmt"

	"cheese/coin"
	"cheese/consensus"
	"cheese/script"
)

// Limits on unconfirmed relatives in either direction, the transaction itself included (Core's -limitancestorcount and
// its like).
const (
	maxRelatives      = 25
	maxRelativesVSize = 101_000
)

// Accept verifies tx and takes it in; tx must not be changed afterwards. The error is a *RejectError where tx is at
// fault, and anything else where the chain cannot be read. It may be called concurrently: scripts run outside the lock.
func (p *Pool) Accept(tx *coin.Tx) error {
	if err := checkAlone(tx); err != nil {
		return err
	}
	c, err := p.consider(tx)
	if err != nil {
		return err
	}
	if err := p.verify(c); err != nil {
		return err
	}
	return p.admit(c)
}

// admit takes a verified candidate in, unless what happened meanwhile speaks against it.
func (p *Pool) admit(c *candidate) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	err := p.catchUp()
	if err == nil && p.generation != c.generation { // its scripts stay valid, all else may have changed
		c, err = p.judge(c.entry.Tx, false)
	}
	if err != nil {
		return err
	}
	p.remove(c.replaced, ReasonReplaced)
	p.add(c.entry)
	p.trim(p.o.Now())
	if _, ok := p.graph.entries.get(c.entry.ID); !ok {
		return reject("mempool full")
	}
	return nil
}

// checkAlone checks what needs neither chain nor pool.
func checkAlone(tx *coin.Tx) error {
	if err := consensus.CheckTx(tx); err != nil {
		return fromRule(err)
	}
	if tx.IsCoinbase() {
		return &RejectError{Reason: "coinbase", Consensus: true}
	}
	if err := checkStandard(tx); err != nil {
		return err
	}
	return nil
}

// fromRule turns a broken consensus rule into a rejection.
func fromRule(err error) error {
	rule, ok := errors.AsType[*consensus.RuleError](err)
	if !ok {
		return err
	}
	const soon = "bad-txns-premature-spend-of-coinbase" // a later block may hold it
	return &RejectError{Reason: rule.Reason, Detail: rule.Detail, Consensus: rule.Reason != soon, Early: rule.Reason == soon}
}

// candidate is a transaction that may come in if its scripts agree.
type candidate struct {
	entry      *Entry
	prev       []coin.TxOut
	replaced   []*Entry // children before parents
	generation uint64
}

// consider catches up with the chain and judges tx.
func (p *Pool) consider(tx *coin.Tx) (*candidate, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.catchUp(); err != nil {
		return nil, err
	}
	return p.judge(tx, false)
}

// judge checks all but the scripts of a transaction, in Core's order. p.mu is held. One that returns from a reverted
// block need not pay, and replaces nothing.
func (p *Pool) judge(tx *coin.Tx, returns bool) (*candidate, error) {
	if returns {
		if err := checkAlone(tx); err != nil {
			return nil, err
		}
	}
	if err := p.checkNew(tx); err != nil {
		return nil, err
	}
	direct := p.graph.conflicts(tx)
	in, err := p.inputsOf(tx)
	if err != nil {
		return nil, err
	}
	if len(in.missing) > 0 {
		return nil, p.rejectMissing(tx, in.missing)
	}
	if err := p.checkLocks(tx, in); err != nil {
		return nil, err
	}
	now, id := p.o.Now(), tx.ID()
	e := &Entry{Tx: tx, ID: id, Weight: tx.Weight(), Time: now, Height: p.at.Height}
	if err := p.checkMoney(tx, in, &e.Fee); err != nil {
		return nil, err
	}
	if err := e.measure(in.prev); err != nil {
		return nil, err
	}
	c := &candidate{entry: e, prev: in.prev, generation: p.generation}
	if !returns {
		if err := p.checkFee(e); err != nil {
			return nil, err
		}
	} else if len(direct) > 0 {
		return nil, reject("txn-mempool-conflict")
	}
	c.replaced = p.graph.family(direct)
	if err := p.checkRelatives(c, direct); err != nil {
		return nil, err
	}
	if len(direct) > 0 {
		if err := p.checkReplacement(c, direct); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// checkNew refuses what is here already or may not be in the next block.
func (p *Pool) checkNew(tx *coin.Tx) error {
	tip := p.past.Tip()
	if !consensus.IsFinal(tx, tip.Height()+1, tip.MedianTime()) {
		return early("non-final")
	}
	if _, ok := p.graph.witness.get(tx.WitnessID()); ok {
		return reject("txn-already-in-mempool")
	}
	if _, ok := p.graph.entries.get(tx.ID()); ok {
		return reject("txn-same-nonwitness-data-in-mempool")
	}
	return nil
}

// inputs is what a transaction spends, in input order.
type inputs struct {
	coins   consensus.CoinMap
	prev    []coin.TxOut
	heights []int32 // the next block's for outputs that are unconfirmed
	missing []coin.OutPoint
}

func (p *Pool) inputsOf(tx *coin.Tx) (*inputs, error) {
	in := &inputs{coins: make(consensus.CoinMap, len(tx.In))}
	for i := range tx.In {
		o := tx.In[i].Prev
		c, ok := consensus.Coin{Height: p.past.Tip().Height() + 1}, false
		if c.Out, ok = p.graph.output(o); !ok {
			var err error
			if c, ok, err = p.past.Coin(o); err != nil {
				return nil, fmt.Errorf("find output %v: %w", o, err)
			}
		}
		if !ok {
			in.missing = append(in.missing, o)
			continue
		}
		in.coins[o] = c
		in.prev, in.heights = append(in.prev, c.Out), append(in.heights, c.Height)
	}
	return in, nil
}

// rejectMissing tells an orphan from a transaction that is confirmed already, which one of its outputs gives away
// as long as it is unspent.
func (p *Pool) rejectMissing(tx *coin.Tx, missing []coin.OutPoint) error {
	for i := range tx.Out {
		_, ok, err := p.past.Coin(coin.OutPoint{Hash: tx.ID(), Index: uint32(i)})
		if err != nil {
			return fmt.Errorf("look for a confirmed transaction: %w", err)
		}
		if ok {
			return reject("txn-already-known")
		}
	}
	return &RejectError{Reason: "bad-txns-inputs-missingorspent", Missing: missing}
}

// checkLocks checks absolute and relative lock times against the next block.
func (p *Pool) checkLocks(tx *coin.Tx, in *inputs) error {
	tip := p.past.Tip()
	next, median := tip.Height()+1, tip.MedianTime()
	if !consensus.IsFinal(tx, next, median) {
		return early("non-final")
	}
	minHeight, minTime := consensus.SequenceLocks(tx, in.heights, p.past)
	if !consensus.LocksOpen(minHeight, minTime, next, median) {
		return early("non-BIP68-final")
	}
	return nil
}

// checkMoney checks amounts and maturity for the next block, and sets the fee.
func (p *Pool) checkMoney(tx *coin.Tx, in *inputs, fee *coin.Amount) error {
	f, err := consensus.CheckTxInputs(tx, in.coins, p.past.Tip().Height()+1, p.o.Params)
	if err != nil {
		return fromRule(err)
	}
	if fee != nil {
		*fee = f
	}
	return nil
}

// measure checks what policy wants of inputs, and sets the entry's sizes.
func (e *Entry) measure(prev []coin.TxOut) error {
	if err := checkInputsStandard(e.Tx, prev); err != nil {
		return err
	}
	if err := checkWitnessStandard(e.Tx, prev); err != nil {
		return err
	}
	e.SigOpCost = script.SigOpCost(e.Tx, prev, script.Standard)
	if e.SigOpCost > maxStandardSigOpCost {
		return rejectf("bad-txns-too-many-sigops", "%d", e.SigOpCost)
	}
	e.VSize = policySize(e.Tx, e.SigOpCost)
	return nil
}

func (p *Pool) checkFee(e *Entry) error {
	if least := feeFor(p.o.MinRelayFee, e.VSize); e.Fee < least {
		return rejectf("min relay fee not met", "%d < %d", e.Fee, least)
	}
	if least := feeFor(p.minFee(e.Time), e.VSize); e.Fee < least {
		return rejectf("mempool min fee not met", "%d < %d", e.Fee, least)
	}
	return nil
}

// verify runs the scripts. It needs no lock: what an outpoint holds never changes.
func (p *Pool) verify(c *candidate) error {
	spend := script.NewSpend(c.entry.Tx, c.prev)
	err := p.o.Verifier.Verify(spend.Checks(script.Standard))
	failed, ok := errors.AsType[*script.Error](err)
	if !ok {
		return err
	}
	again := script.Check{Spend: spend, Input: failed.Input, Flags: script.Mandatory}
	if p.o.Verifier.Verify([]script.Check{again}) == nil {
		return reject(fmt.Sprintf("non-mandatory-script-verify-flag (%s)", failed.Text))
	}
	return &RejectError{Reason: fmt.Sprintf("mandatory-script-verify-flag-failed (%s)", failed.Text), Consensus: true}
}
