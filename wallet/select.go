package wallet

import (
	"cmp"
	"slices"

	"cheese/coin"
)

// Sizes of what the wallet spends and makes, in weight units (BIP 141).
const (
	inputWeight  = 41*coin.WitnessScale + 1 + 1 + 64 // outpoint, empty script, sequence; then one 64-byte signature
	changeWeight = (8 + 1 + 34) * coin.WitnessScale  // amount and a taproot script
	// maxTxWeight is the heaviest transaction that pools relay (Core's MAX_STANDARD_TX_WEIGHT).
	maxTxWeight = 400_000
)

const (
	// dustRate is what spending an output must not cost more than it is worth at, in crumbs per virtual byte (Core's
	// DUST_RELAY_TX_FEE).
	dustRate = 3
	// changeDust is the least change worth an output: 3 × (43 bytes to make it + 67 to spend it).
	changeDust coin.Amount = dustRate * (43 + 67)
	// longTermRate is what spending a coin some day is assumed to cost, in crumbs per virtual byte.
	longTermRate = 2
	// searchTries bounds the search for a changeless selection: some milliseconds.
	searchTries = 20_000
)

// target is what coins are selected for.
type target struct {
	pay      coin.Amount // sum of the payments
	rate     coin.Amount // crumbs per virtual byte
	weight   int         // of the transaction with its payments, without inputs and change
	subtract bool        // the fee comes out of pay
}

// selection is a set of coins, by their index, that covers a target: inputs = payments + fee + change, where payments
// are the fee lower when that is subtracted from them.
type selection struct {
	chosen []int
	fee    coin.Amount
	change coin.Amount // 0: no change output
	waste  coin.Amount // what it costs beyond need, now or later; less is better
}

// fee returns the fee at the asked rate of a transaction with n inputs.
func (t target) fee(n int, change bool) coin.Amount {
	w := t.weight + n*inputWeight + (coin.CompactSizeLen(uint64(n))-1)*coin.WitnessScale
	if change {
		w += changeWeight
	}
	return t.rate * coin.Amount((w+coin.WitnessScale-1)/coin.WitnessScale)
}

// maxInputs returns how many inputs fit in a standard transaction.
func (t target) maxInputs() int {
	return max(0, (maxTxWeight-t.weight-changeWeight-2*coin.WitnessScale)/inputWeight)
}

// costOfChange is what a change output costs now and when it is spent.
func (t target) costOfChange() coin.Amount {
	return (t.rate*changeWeight + longTermRate*inputWeight) / coin.WitnessScale
}

// settle works out fee and change of a choice; false where it does not cover the target. Change that would be dust
// goes to the fee.
func (t target) settle(values []coin.Amount, chosen []int) (selection, bool) {
	var in coin.Amount
	for _, i := range chosen {
		in += values[i]
	}
	n := len(chosen)
	need := func(change bool) coin.Amount {
		if t.subtract {
			return t.pay
		}
		return t.pay + t.fee(n, change)
	}
	s := selection{chosen: chosen, waste: coin.Amount(n) * (t.rate - longTermRate) * inputWeight / coin.WitnessScale}
	if change := in - need(true); change >= changeDust {
		s.fee, s.change = t.fee(n, true), change
		s.waste += t.costOfChange()
		return s, true
	}
	excess := in - need(false)
	if n == 0 || excess < 0 {
		return s, false
	}
	s.fee = t.fee(n, false) + excess
	s.waste += excess
	return s, true
}

// effective returns what a coin adds in quarters of a crumb, since an input has a fraction of a virtual byte: its
// value without the fee to spend it.
func (t target) effective(v coin.Amount) int64 {
	if t.subtract {
		return int64(v) * coin.WitnessScale
	}
	return int64(v)*coin.WitnessScale - int64(t.rate)*inputWeight
}

// choose selects coins: the least wasteful of a changeless set, the smallest single coin that does, and the largest
// coins. Coins that cost more to spend than they are worth are left alone. The error is an *ErrInsufficient with Need
// set, or an *ErrTooManyCoins.
func choose(values []coin.Amount, t target) (selection, error) {
	var order []int // largest first; equal values keep the order they came in
	for i, v := range values {
		if t.effective(v) > 0 {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(values[b], values[a]) })

	largest, ok := t.largestFirst(values, order)
	if !ok {
		return selection{}, t.shortfall(values, order)
	}
	best := largest
	for _, chosen := range [][]int{t.changeless(values, order), t.smallestSingle(values, order)} {
		if s, ok := t.settle(values, chosen); ok && s.waste < best.waste {
			best = s
		}
	}
	return best, nil
}

// largestFirst takes the largest coins until they suffice: the fewest inputs possible.
func (t target) largestFirst(values []coin.Amount, order []int) (selection, bool) {
	var sum coin.Amount
	for n := 1; n <= min(len(order), t.maxInputs()); n++ {
		sum += values[order[n-1]]
		if !t.subtract && sum < t.pay+t.fee(n, false) || sum < t.pay {
			continue
		}
		return t.settle(values, slices.Clone(order[:n]))
	}
	return selection{}, false
}

// smallestSingle returns the smallest coin that suffices alone, or nothing.
func (t target) smallestSingle(values []coin.Amount, order []int) []int {
	for _, i := range slices.Backward(order) {
		if _, ok := t.settle(values, []int{i}); ok {
			return []int{i}
		}
	}
	return nil
}

// shortfall explains why no selection exists.
func (t target) shortfall(values []coin.Amount, order []int) error {
	n := max(1, len(order))
	need := t.pay
	if !t.subtract {
		need += t.fee(n, false)
	}
	var all, most coin.Amount
	fit := min(len(order), t.maxInputs())
	for k, i := range order {
		all += values[i]
		if k < fit {
			most += values[i]
		}
	}
	if all >= need && fit < len(order) {
		return &ErrTooManyCoins{Max: fit, Worth: max(0, most-t.fee(fit, false))}
	}
	return &ErrInsufficient{Need: need}
}

// changeless looks for a set of coins whose excess over the target is less than what a change output would cost, by
// branch and bound over the coins in descending order (Erhardt, "An Evaluation of Coin Selection Strategies", 2016).
func (t target) changeless(values []coin.Amount, order []int) []int {
	s := search{target: t, tries: searchTries, deepest: t.maxInputs(), excess: t.costOfChange()}
	s.least = int64(t.pay) * coin.WitnessScale
	if t.subtract {
		s.excess = changeDust - 1
	} else {
		s.least += int64(t.rate) * int64(t.weight)
	}
	s.values = make([]coin.Amount, len(order))
	s.rest = make([]int64, len(order)+1)
	for k := len(order) - 1; k >= 0; k-- {
		s.values[k] = values[order[k]]
		s.rest[k] = s.rest[k+1] + t.effective(s.values[k])
	}
	s.descend(0, 0, 0)
	chosen := make([]int, len(s.best))
	for i, k := range s.best {
		chosen[i] = order[k]
	}
	return chosen
}

// search is the state of a branch-and-bound search.
type search struct {
	target
	values        []coin.Amount // descending
	rest          []int64       // rest[k] is the effective value of values[k:], in quarter crumbs
	least         int64         // the effective value to reach, before the fee is rounded up, in quarter crumbs
	excess        coin.Amount   // most that may be left over
	tries         int
	deepest       int // most inputs
	current, best []int
	bestWaste     coin.Amount
}

// descend decides on the coins from k on. Those chosen before add up to sum, and to effective in quarter crumbs.
func (s *search) descend(k int, sum coin.Amount, effective int64) {
	n := len(s.current)
	if s.tries--; s.tries < 0 || n > s.deepest || effective+s.rest[k] < s.least {
		return
	}
	over := sum - s.pay
	if !s.subtract {
		over -= s.fee(n, false)
	}
	if over > s.excess {
		return
	}
	if over >= 0 && n > 0 {
		waste := coin.Amount(n)*(s.rate-longTermRate)*inputWeight/coin.WitnessScale + over
		if s.best == nil || waste < s.bestWaste {
			s.best, s.bestWaste = slices.Clone(s.current), waste
		}
		return
	}
	if k == len(s.values) {
		return
	}
	s.current = append(s.current, k)
	s.descend(k+1, sum+s.values[k], effective+s.target.effective(s.values[k]))
	s.current = s.current[:n]
	next := k + 1
	for next < len(s.values) && s.values[next] == s.values[k] {
		next++ // leaving this coin out for an equal one changes nothing
	}
	s.descend(next, sum, effective)
}
