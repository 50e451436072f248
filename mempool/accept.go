package mempool

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"cheese/coin"
	"cheese/consensus"
	"cheese/script"
)

// terms say how a transaction is to be judged.
type terms struct {
	when     time.Time              // it came
	returns  bool                   // from a reverted block, and need not pay
	fixed    bool                   // it may replace nothing
	packaged bool                   // its fee counts together with its package's
	alone    bool                   // it may use what the limits leave to a transaction by itself
	evicts   bool                   // it may outbid the sibling that takes its place
	maxRate  coin.Amount            // more than that, in crumbs per 1000 virtual bytes, is a mistake; 0: nothing is
	before   map[coin.Hash]*coin.Tx // its package's transactions that come before it
}

// single are the terms of a transaction by itself.
func (p *Pool) single() terms { return terms{when: p.o.Now(), alone: true, evicts: true} }

// Accept verifies tx and takes it in; tx must not be changed afterwards. The error is a *RejectError where tx is at
// fault, and anything else where the chain cannot be read. It may be called concurrently: scripts run outside the lock.
func (p *Pool) Accept(tx *coin.Tx) error { return p.accept(tx, p.single()) }

func (p *Pool) accept(tx *coin.Tx, t terms) error {
	if err := p.checkAlone(tx); err != nil {
		return err
	}
	c, err := p.consider(tx, t)
	if err != nil {
		return err
	}
	if err := p.verify(c); err != nil {
		return err
	}
	return p.admit(c, t)
}

// admit takes a verified candidate in, unless what happened meanwhile speaks against it.
func (p *Pool) admit(c *candidate, t terms) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	err := p.catchUp()
	if err == nil && p.generation != c.generation { // its scripts stay valid, all else may have changed
		c, err = p.judge(c.entry.Tx, t)
	}
	if err != nil {
		return err
	}
	p.remove(c.replaced, ReasonReplaced)
	p.add(c.entry)
	p.trim(p.o.Now())
	if _, ok := p.graph.entries.get(c.entry.ID); !ok {
		return &RejectError{Reason: "mempool full", Reconsiderable: true}
	}
	return nil
}

// checkAlone checks what needs neither chain nor pool.
func (p *Pool) checkAlone(tx *coin.Tx) error {
	if err := consensus.CheckTx(tx); err != nil {
		return fromRule(err)
	}
	if tx.IsCoinbase() {
		return &RejectError{Reason: "coinbase", Consensus: true}
	}
	if !p.o.AcceptNonStandard {
		if err := p.o.checkStandard(tx); err != nil {
			return err
		}
	}
	if tx.BaseSize() < minStandardBaseSize {
		return reject("tx-size-small")
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
	above      []*Entry // its unconfirmed ancestors
	direct     []*Entry // those it conflicts with itself, ordered by id
	sibling    bool     // one of direct does not conflict, but takes its place beside a TRUC parent
	replaced   []*Entry // direct and all that depends on it, children before parents
	generation uint64
}

// consider catches up with the chain and judges tx.
func (p *Pool) consider(tx *coin.Tx, t terms) (*candidate, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.catchUp(); err != nil {
		return nil, err
	}
	return p.judge(tx, t)
}

// judge checks all but the scripts of a transaction that passed checkAlone and comes in by itself. p.mu is held.
func (p *Pool) judge(tx *coin.Tx, t terms) (*candidate, error) {
	c, err := p.examine(tx, t)
	if err != nil {
		return nil, err
	}
	if t.maxRate > 0 && rateOf(c.entry.ModifiedFee, c.entry.VSize) > t.maxRate {
		return nil, reject("max feerate exceeded")
	}
	if len(c.direct) > 0 {
		if err := p.checkReplacement(c); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// examine is judge without BIP 125's rules, in Core's order (PreChecks).
func (p *Pool) examine(tx *coin.Tx, t terms) (*candidate, error) {
	if err := p.checkNew(tx); err != nil {
		return nil, err
	}
	direct, err := p.conflicts(tx, t)
	if err != nil {
		return nil, err
	}
	in, err := p.inputsOf(tx, t.before)
	if err != nil {
		return nil, err
	}
	if len(in.missing) > 0 {
		return nil, p.rejectMissing(tx, in.missing)
	}
	if err := p.checkLocks(tx, in); err != nil {
		return nil, err
	}
	e := &Entry{Tx: tx, ID: tx.ID(), Weight: tx.Weight(), Time: t.when, Height: p.at.Height}
	if err := p.checkMoney(tx, in, &e.Fee); err != nil {
		return nil, err
	}
	e.ModifiedFee = e.Fee + p.deltas[e.ID]
	if err := p.measure(e, in.prev); err != nil {
		return nil, err
	}
	if err := p.checkOwnFee(e, t); err != nil {
		return nil, err
	}
	c := &candidate{entry: e, prev: in.prev, direct: direct, generation: p.generation}
	return c, p.checkRelatives(c, t)
}

// conflicts returns the entries that tx would replace directly.
func (p *Pool) conflicts(tx *coin.Tx, t terms) ([]*Entry, error) {
	found := p.graph.conflicts(tx)
	for _, e := range found {
		if t.fixed {
			return nil, reject("bip125-replacement-disallowed")
		}
		if !p.o.FullRBF && !signalsReplacement(e.Tx) && e.Tx.Version != trucVersion {
			return nil, reject("txn-mempool-conflict")
		}
	}
	slices.SortFunc(found, compareID)
	return found, nil
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

// inputsOf finds what tx spends in the transactions before it, the pool and the chain.
func (p *Pool) inputsOf(tx *coin.Tx, before map[coin.Hash]*coin.Tx) (*inputs, error) {
	in := &inputs{coins: make(consensus.CoinMap, len(tx.In))}
	for i := range tx.In {
		o := tx.In[i].Prev
		c, ok := consensus.Coin{Height: p.past.Tip().Height() + 1}, false
		if b := before[o.Hash]; b != nil && uint64(o.Index) < uint64(len(b.Out)) {
			c.Out, ok = b.Out[o.Index], true
		} else if c.Out, ok = p.graph.output(o); !ok {
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
func (p *Pool) measure(e *Entry, prev []coin.TxOut) error {
	if !p.o.AcceptNonStandard {
		if err := checkInputsStandard(e.Tx, prev); err != nil {
			return err
		}
		if err := checkWitnessStandard(e.Tx, prev); err != nil {
			return err
		}
	}
	e.SigOpCost = script.SigOpCost(e.Tx, prev, script.Standard)
	if e.SigOpCost > maxStandardSigOpCost {
		return rejectf("bad-txns-too-many-sigops", "%d", e.SigOpCost)
	}
	e.VSize = policySize(e.Tx, e.SigOpCost, p.o.BytesPerSigOp)
	return nil
}

// checkOwnFee checks what a transaction must pay itself, whoever else pays for it.
func (p *Pool) checkOwnFee(e *Entry, t terms) error {
	if t.returns {
		return nil
	}
	if least := feeFor(p.o.MinRelayFee, e.VSize); e.Tx.Version != trucVersion && e.ModifiedFee < least {
		return rejectf("min relay fee not met", "%d < %d", e.ModifiedFee, least)
	}
	if t.packaged {
		return nil
	}
	return p.checkFee(e.ModifiedFee, e.VSize)
}

// checkFee checks what a transaction or a package pays. A package may make good for what fails here.
func (p *Pool) checkFee(fee coin.Amount, size int) error {
	if least := feeFor(p.rollingFee(p.o.Now()), size); fee < least && least > 0 {
		return &RejectError{Reason: "mempool min fee not met", Detail: fmt.Sprintf("%d < %d", fee, least), Reconsiderable: true}
	}
	if least := feeFor(p.o.MinRelayFee, size); fee < least {
		return &RejectError{Reason: "min relay fee not met", Detail: fmt.Sprintf("%d < %d", fee, least), Reconsiderable: true}
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
