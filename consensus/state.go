package consensus

import (
	"math/big"
	"slices"
	"time"

	"cheese/coin"
)

// medianSpan is how many timestamps the median time past is taken over.
const medianSpan = 11

// State is all that the next header's validity needs from the past: a block's header, height and total work, and
// the timestamps of the last eleven. It is a value; nothing in it is changed once made. The zero State belongs to
// no network.
type State struct {
	params *coin.Params
	header coin.Header
	hash   coin.Hash
	height int32
	work   *big.Int
	times  [medianSpan]uint32 // of this block and its ancestors, that of height h at h modulo medianSpan
}

// Genesis returns the state after a network's first block.
func Genesis(p *coin.Params) State {
	h := p.Genesis.Header
	return State{params: p, header: h, hash: h.Hash(), work: coin.Work(h.Bits), times: [medianSpan]uint32{h.Time}}
}

// Extend returns the child's state without any check, for headers that were checked before.
func (s State) Extend(h coin.Header) State {
	s.header, s.hash = h, h.Hash()
	s.height++
	s.work = new(big.Int).Add(s.work, coin.Work(h.Bits))
	s.times[s.height%medianSpan] = h.Time
	return s
}

// Params returns the network.
func (s State) Params() *coin.Params { return s.params }

// Height returns how many blocks came before this one.
func (s State) Height() int32 { return s.height }

// Hash returns the block's hash.
func (s State) Hash() coin.Hash { return s.hash }

// Header returns the block's header.
func (s State) Header() coin.Header { return s.header }

// Work returns how many hashes the chain up to and with this block took on average. The caller must not change it.
func (s State) Work() *big.Int { return s.work }

// MedianTime returns the median time past in Unix seconds: the median of the last eleven timestamps, this block's
// included, or of as many as there are (BIP 113).
func (s State) MedianTime() uint32 {
	times := s.times // a copy
	n := min(int(s.height)+1, medianSpan)
	slices.Sort(times[:n])
	return times[n/2]
}

// EarliestTime returns the smallest timestamp in Unix seconds that the next block may have.
func (s State) EarliestTime() uint32 {
	if s.params.StrictTime {
		return s.header.Time + 1
	}
	return s.MedianTime() + 1
}

// NextBits returns the target that the next block must have, in compact form.
func (s State) NextBits() uint32 {
	if s.params.Retarget == coin.RetargetASERT {
		return s.asertBits()
	}
	return s.header.Bits
}

// CheckHeader returns the child's state, or the *RuleError that says why h cannot follow s.
func (s State) CheckHeader(h coin.Header, now time.Time) (State, error) {
	child := s.Extend(h)
	if err := CheckWork(s.params, h, child.hash); err != nil {
		return State{}, err
	}
	if h.Prev != s.hash {
		return State{}, broken(MissingParent, "prev-blk-not-found", "parent %v is not known", h.Prev)
	}
	if err := s.checkContext(h, now); err != nil {
		return State{}, err
	}
	return child, nil
}

// CheckWork checks that a header's hash meets the target it claims, and that this target is not easier than the
// network's easiest. It needs no context, so that it can turn away made-up headers before their parent is looked up.
func CheckWork(p *coin.Params, h coin.Header, hash coin.Hash) error {
	target := coin.Target(h.Bits)
	if target == nil || target.Cmp(p.PowLimit) > 0 || !coin.MeetsTarget(hash, target) {
		return invalid("high-hash", "proof of work failed")
	}
	return nil
}

// checkContext applies the rules that depend on the ancestors, in Core's order.
func (s State) checkContext(h coin.Header, now time.Time) error {
	if want := s.NextBits(); h.Bits != want {
		return invalid("bad-diffbits", "incorrect proof of work: bits %08x where %08x are due", h.Bits, want)
	}
	last := s.MedianTime()
	if s.params.StrictTime {
		last = s.header.Time
	}
	if h.Time <= last {
		return invalid("time-too-old", "block's timestamp %d is too early: it must be after %d", h.Time, last)
	}
	if limit := now.Add(s.params.MaxAhead); time.Unix(int64(h.Time), 0).After(limit) {
		return broken(TooNew, "time-too-new", "block timestamp too far in the future: %d is over the limit of %d", h.Time, limit.Unix())
	}
	at, since := s.height+1, s.params.Heights
	if h.Version < 2 && at >= since.BIP34 || h.Version < 3 && at >= since.BIP66 || h.Version < 4 && at >= since.BIP65 {
		return &RuleError{Reason: badVersion(h.Version), Detail: "a version that old is no longer allowed"}
	}
	return nil
}
