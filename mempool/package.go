package mempool

import (
	"errors"
	"slices"

	"cheese/coin"
)

// Limits on transactions that are judged together.
const (
	MaxPackageCount  = 25
	maxPackageWeight = 404_000
)

// ErrTopology says that a package is not a child with its parents.
var ErrTopology = errors.New("package topology disallowed. not child-with-parents or parents depend on each other.")

// What the pool says of a package, as submitpackage does.
const (
	packageSuccess = "success"
	packageFailed  = "transaction failed"
)

// PackageResult is what became of a package.
type PackageResult struct {
	Message  string      // "success", or what is wrong, as submitpackage has it in "package_msg"
	Verdicts []Verdict   // one for each transaction, in order; none where the package itself is at fault
	Replaced []coin.Hash // the ids of transactions that left for it, in order of their bytes
}

// checkPackage checks a package by itself and returns what is wrong, in Core's words.
func checkPackage(txs []*coin.Tx) (why string) {
	if len(txs) > MaxPackageCount {
		return "package-too-many-transactions"
	}
	weight, later := 0, map[coin.Hash]bool{}
	for _, tx := range txs {
		weight += tx.Weight()
		later[tx.ID()] = true
	}
	switch {
	case len(txs) > 1 && weight > maxPackageWeight:
		return "package-too-large"
	case len(later) < len(txs):
		return "package-contains-duplicates"
	}
	for _, tx := range txs {
		for i := range tx.In {
			if later[tx.In[i].Prev.Hash] {
				return "package-not-sorted"
			}
		}
		delete(later, tx.ID())
	}
	spent := map[coin.OutPoint]*coin.Tx{}
	for _, tx := range txs {
		if len(tx.In) == 0 {
			return "conflict-in-package"
		}
		for i := range tx.In {
			o := tx.In[i].Prev
			if by := spent[o]; by != nil && by != tx { // one that repeats an input is told so itself
				return "conflict-in-package"
			}
			spent[o] = tx
		}
	}
	return ""
}

// isFamily tells whether all but the last are parents of the last, and none of each other.
func isFamily(txs []*coin.Tx) bool {
	if len(txs) < 2 {
		return false
	}
	parents, child := txs[:len(txs)-1], txs[len(txs)-1]
	for _, p := range parents {
		if !spendsFrom(child, p.ID()) {
			return false
		}
		for _, q := range parents {
			if spendsFrom(p, q.ID()) {
				return false
			}
		}
	}
	return true
}

// Test tells whether up to MaxPackageCount transactions would come in, and changes nothing: one by itself, several all
// together, parents first and without replacing anything.
func (p *Pool) Test(txs []*coin.Tx) []Verdict {
	if len(txs) != 1 {
		return p.testTogether(txs)
	}
	v := verdictOf(txs[0])
	err := p.checkAlone(txs[0])
	var c *candidate
	if err == nil {
		c, err = p.consider(txs[0], p.single())
	}
	if err == nil {
		err = p.verify(c)
	}
	if err != nil {
		v.refuse(err)
	} else {
		v.allow(c)
	}
	return []Verdict{v}
}

func (p *Pool) testTogether(txs []*coin.Tx) []Verdict {
	verdicts := make([]Verdict, len(txs))
	for i, tx := range txs {
		verdicts[i] = verdictOf(tx)
		verdicts[i].Unfinished = true
	}
	g := group{p: p, txs: txs, terms: terms{when: p.o.Now(), fixed: true}}
	p.mu.Lock()
	err := p.catchUp()
	if err == nil {
		err = g.judge()
	}
	p.mu.Unlock()
	for i := 0; err == nil && i < len(txs); i++ { // the lock is not needed any more
		if err = g.verify(i); err == nil {
			verdicts[i].Unfinished = false
			verdicts[i].allow(g.candidates[i])
		}
	}
	if err == nil {
		return verdicts
	}
	policy, wrong := errors.AsType[*packageError](err)
	for i := range verdicts {
		switch {
		case wrong:
			verdicts[i].PackageError = policy.Error()
		case i == g.failed:
			verdicts[i].refuse(err)
		}
	}
	return verdicts
}

// AcceptPackage takes in a child and its unconfirmed parents, parents first: each by itself where it pays enough, and
// the others together where the child pays for them (BIP 331's and Core's rules for submitpackage). The error is
// ErrTopology where they are not that, or tells that the chain cannot be read; what is wrong with a transaction or with
// the package as such is in the result.
func (p *Pool) AcceptPackage(txs []*coin.Tx) (PackageResult, error) {
	return p.AcceptPackageCapped(txs, 0)
}

// AcceptPackageCapped is AcceptPackage, but refuses a transaction that pays more than maxRate crumbs per 1000 virtual
// bytes; zero means any rate will do.
func (p *Pool) AcceptPackageCapped(txs []*coin.Tx, maxRate coin.Amount) (PackageResult, error) {
	if !isFamily(txs) {
		return PackageResult{}, ErrTopology
	}
	if why := checkPackage(txs); why != "" {
		return PackageResult{Message: why}, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.catchUp(); err != nil {
		return PackageResult{}, err
	}
	if all, err := p.hasOthers(txs); err != nil || !all {
		return PackageResult{Message: "package-not-child-with-unconfirmed-parents"}, err
	}
	s := submission{p: p, txs: txs, terms: terms{when: p.o.Now(), maxRate: maxRate}, verdicts: make([]Verdict, len(txs)), replaced: make([][]*Entry, len(txs))}
	return s.run()
}

// hasOthers tells whether whatever else the last of a family spends is confirmed.
func (p *Pool) hasOthers(txs []*coin.Tx) (bool, error) {
	parents, child := txs[:len(txs)-1], txs[len(txs)-1]
	for i := range child.In {
		o := child.In[i].Prev
		if slices.ContainsFunc(parents, func(tx *coin.Tx) bool { return tx.ID() == o.Hash }) {
			continue
		}
		if _, ok, err := p.past.Coin(o); err != nil || !ok {
			return false, err
		}
	}
	return true, nil
}

// submission is a package on its way in. The pool's lock is held.
type submission struct {
	p        *Pool
	txs      []*coin.Tx
	terms    terms
	verdicts []Verdict
	replaced [][]*Entry // by each
}

func (s *submission) run() (PackageResult, error) {
	message := packageSuccess
	var rest []int // indexes of those that may come in together
	for i, tx := range s.txs {
		v := &s.verdicts[i]
		*v = verdictOf(tx)
		if e, ok := s.p.graph.entries.get(v.TxID); ok {
			v.Allowed, v.AlreadyHere, v.VSize, v.Fee = true, true, e.VSize, e.Fee
			if id := e.Tx.WitnessID(); id != v.WitnessID {
				v.OtherWitness = id
			}
			continue
		}
		switch err := s.alone(i); {
		case err == nil:
		case v.Reject == nil:
			return PackageResult{}, err
		case v.Reject.Reconsiderable || len(v.Reject.Missing) > 0:
			rest = append(rest, i)
		default:
			message = packageFailed
		}
	}
	if message == packageSuccess && len(rest) > 0 {
		err := s.others(rest)
		if policy, ok := errors.AsType[*packageError](err); ok {
			message = policy.Error()
		} else if _, ok := errors.AsType[*RejectError](err); ok {
			message = packageFailed
		} else if err != nil {
			return PackageResult{}, err
		}
	}
	s.p.trim(s.p.o.Now())
	return s.result(message), nil
}

// alone takes in a transaction by itself.
func (s *submission) alone(i int) error {
	t := s.terms
	t.evicts = true
	err := s.p.checkAlone(s.txs[i])
	var c *candidate
	if err == nil {
		c, err = s.p.judge(s.txs[i], t)
	}
	if err == nil {
		err = s.p.verify(c)
	}
	if err != nil {
		s.verdicts[i].refuse(err)
		return err
	}
	s.verdicts[i].allow(c)
	s.replaced[i] = c.replaced
	s.p.remove(c.replaced, ReasonReplaced)
	s.p.add(c.entry)
	return nil
}

// others takes in together what did not come in alone, or nothing of it.
func (s *submission) others(rest []int) error {
	if len(rest) == 1 {
		return s.alone(rest[0])
	}
	g := group{p: s.p, terms: s.terms}
	g.terms.packaged = true
	for _, i := range rest {
		g.txs = append(g.txs, s.txs[i])
	}
	err := g.judge()
	for k := 0; err == nil && k < len(rest); k++ {
		err = g.verify(k)
	}
	if err != nil {
		if _, wrong := errors.AsType[*packageError](err); !wrong {
			s.verdicts[rest[g.failed]].refuse(err)
		}
		return err
	}
	s.p.remove(g.replaced, ReasonReplaced)
	s.replaced[rest[0]] = g.replaced
	for k, c := range g.candidates {
		v := &s.verdicts[rest[k]]
		*v = verdictOf(c.entry.Tx)
		v.allow(c)
		v.EffectiveFeeRate, v.EffectiveWith = rateOf(g.fee, g.size), g.witnessIDs()
		s.p.add(c.entry)
	}
	return nil
}

// result looks once more whether all are still here after the pool was trimmed.
func (s *submission) result(message string) PackageResult {
	r := PackageResult{Message: message, Verdicts: s.verdicts}
	for i := range s.verdicts {
		v := &s.verdicts[i]
		if _, here := s.p.graph.entries.get(v.TxID); v.Allowed && !here {
			v.refuse(reject("mempool full"))
			if r.Message == packageSuccess {
				r.Message = packageFailed
			}
		}
		if !v.Allowed {
			continue
		}
		for _, e := range s.replaced[i] {
			r.Replaced = append(r.Replaced, e.ID)
		}
	}
	slices.SortFunc(r.Replaced, coin.Hash.Compare)
	r.Replaced = slices.Compact(r.Replaced)
	return r
}
