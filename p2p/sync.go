package p2p

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"cheese/chain"
	"cheese/coin"
	"cheese/consensus"
	"cheese/p2p/msg"
)

const (
	blockWindow     = 1024             // how far beyond the first missing block bodies are asked for
	maxChecking     = 128              // blocks in the hands of the chain
	maxCheckBytes   = 32 << 20         // and their size, beyond which no more are asked for
	maxBranch       = 16               // blocks of a competing branch that are fetched when it is announced
	headersTimeout  = 60 * time.Second // for an answer to getheaders
	stallAfter      = 10 * time.Second // without a block that was asked for, others are asked
	stallDrop       = 60 * time.Second // and then the peer is dropped
	tooNewRetry     = 5 * time.Second
	maxConfirmed    = 20_000 // transactions remembered as recently confirmed
	farBehind       = 16     // blocks missing to the best header, at the start: we are catching up, and announce nothing
	maxAnnounceRun  = 8      // blocks announced by headers at once (Core's MAX_BLOCKS_TO_ANNOUNCE)
	getBlocksAnswer = 500
)

// download is the state of fetching headers and blocks.
type download struct {
	syncPeer   int64                   // the one peer that a long run of headers comes from, 0: none
	inFlight   map[coin.Hash]int64     // blocks asked for, and of whom
	checking   map[coin.Hash]checkedBy // blocks in the hands of the chain
	checkBytes int
	wantBlocks bool // something happened that may let more blocks be asked for
	caughtUp   bool // we were near the best header once; from then on every new tip is announced
}

// checkedBy remembers of a block in the chain's hands what the verdict's event does not carry.
type checkedBy struct {
	size   int
	pushed bool
}

func newDownload() download {
	return download{inFlight: map[coin.Hash]int64{}, checking: map[coin.Hash]checkedBy{}}
}

// startHeaders asks peers for headers that have not been asked yet. A peer that claims much more than we have is asked alone,
// since all of them would send the same.
func (m *machine) startHeaders() {
	best := m.v.BestHeader()
	for _, p := range m.peers {
		if !p.ready || p.askedOnce {
			continue
		}
		if p.version.Height > best.Height()+msg.MaxHeaders {
			if m.syncPeer != 0 {
				continue
			}
			m.syncPeer = p.id
		}
		p.askedOnce = true
		from := best.Hash() // from its parent on, so that the answer shows whether the peer has it
		if best.Height() > 0 {
			from = best.Header().Prev
		}
		m.askHeaders(p, from)
	}
}

// askHeaders sends a getheaders unless one waits for its answer.
func (m *machine) askHeaders(p *peer, from coin.Hash) {
	if !p.headersAsked.IsZero() {
		return
	}
	p.headersAsked = m.now
	m.send(p, &msg.GetHeaders{Locator: msg.Locator{Version: msg.Version70016, Hashes: m.v.Locator(from)}})
}

// onHeaders takes an answer to getheaders or an announcement.
func (m *machine) onHeaders(p *peer, list *msg.Headers) {
	p.headersAsked = time.Time{}
	hs := list.Headers
	if len(hs) == 0 {
		p.announced = coin.Hash{}
		m.headersEnd(p)
		return
	}
	for i := 1; i < len(hs); i++ {
		if hs[i].Prev != hs[i-1].Hash() {
			m.punish(p, "headers that do not follow one another")
			return
		}
	}
	last := hs[len(hs)-1].Hash()
	if e, ok := m.v.ByHash(last); ok && e.Status != chain.Invalid { // and so are the others
		m.headersTaken(p, hs)
		return
	}
	if _, ok := m.v.ByHash(hs[0].Prev); !ok && p.headerChecks == 0 {
		m.unconnecting(p, last)
		return
	}
	if p.headerChecks >= maxHeaderChecks { // blocks found in quick succession: we ask for them all at once later
		p.announced = last
		return
	}
	p.headerChecks++
	m.act(CheckHeaders{ID: p.id, Headers: hs})
}

// unconnecting handles headers whose parent is not known: we may have missed some, so ask, but not for ever.
func (m *machine) unconnecting(p *peer, last coin.Hash) {
	if p.unconnecting++; p.unconnecting > maxUnconnecting {
		m.punish(p, "%d times in a row headers whose parent is not known", p.unconnecting)
		return
	}
	p.announced = last
	m.askHeaders(p, m.v.BestHeader().Hash())
}

// headersEnd takes note that a peer has no more headers for now.
func (m *machine) headersEnd(p *peer) {
	if m.syncPeer == p.id {
		m.syncPeer = 0
		m.startHeaders()
	}
}

func (m *machine) onHeadersChecked(e HeadersChecked) {
	m.wantBlocks = true
	p := m.byID[e.ID]
	if p == nil {
		return
	}
	p.headerChecks--
	for i := len(e.Headers) - 1; i >= 0; i-- { // of a list that fails half-way the first part is known
		if m.noteBest(p, e.Headers[i].Hash()) {
			break
		}
	}
	if e.Err != nil {
		m.headersRefused(p, e.Headers, e.Err)
		return
	}
	m.headersTaken(p, e.Headers)
}

// headersTaken goes on after headers that fit.
func (m *machine) headersTaken(p *peer, hs []coin.Header) {
	m.wantBlocks = true
	p.unconnecting = 0
	last := hs[len(hs)-1].Hash()
	m.noteBest(p, last)
	if len(hs) == msg.MaxHeaders {
		m.askHeaders(p, last)
		return
	}
	m.headersEnd(p)
	m.fetchBranch(p, last)
	if !p.announced.IsZero() {
		if _, ok := m.v.ByHash(p.announced); !ok {
			m.askHeaders(p, m.v.BestHeader().Hash())
		}
		p.announced = coin.Hash{}
	}
}

func (m *machine) headersRefused(p *peer, hs []coin.Header, err error) {
	var rule *consensus.RuleError
	if !errors.As(err, &rule) {
		m.log(slog.LevelError, "headers could not be stored", "reason", err.Error())
		m.headersEnd(p)
		return
	}
	switch rule.Kind {
	case consensus.TooNew:
		p.headersRetry = m.now.Add(tooNewRetry)
		m.headersEnd(p)
	case consensus.MissingParent:
		m.unconnecting(p, hs[len(hs)-1].Hash())
	default:
		m.punish(p, "an invalid header: %v", rule)
	}
}

// noteBest takes note that p has a block, and tells whether we know its header.
func (m *machine) noteBest(p *peer, h coin.Hash) bool {
	e, ok := m.v.ByHash(h)
	if !ok {
		return false
	}
	if p.best.known {
		if old, ok := m.v.ByHash(p.best.hash); ok && old.State.Work().Cmp(e.State.Work()) >= 0 {
			return true
		}
	}
	p.best = chainPoint{hash: h, height: e.Height, known: true}
	return true
}

// hasBlock tells whether p is known to have a block.
func (m *machine) hasBlock(p *peer, at chain.Position) bool {
	for _, top := range []coin.Hash{p.best.hash, p.sentHeader} {
		if top.IsZero() {
			continue
		}
		if e, ok := m.v.Ancestor(top, at.Height); ok && e.Hash == at.Hash {
			return true
		}
	}
	return false
}

// checkHeaders looks after a getheaders without an answer, and asks again about headers that were too new.
func (m *machine) checkHeaders(p *peer) {
	if !p.headersRetry.IsZero() && !m.now.Before(p.headersRetry) {
		p.headersRetry = time.Time{}
		m.askHeaders(p, m.v.BestHeader().Hash())
	}
	if p.headersAsked.IsZero() {
		return
	}
	waited := m.now.Sub(p.headersAsked)
	behind := p.height() > m.v.BestHeader().Height()
	if waited > headersPatience && behind && !p.byInventory && p.servesBlocks() {
		m.askInventory(p)
	}
	if waited <= headersTimeout {
		return
	}
	if behind && m.now.Sub(p.blockProgress) > headersTimeout {
		m.drop(p, fmt.Errorf("%w: claims %d blocks but does not send their headers", ErrTimeout, p.height()))
		return
	}
	p.headersAsked = time.Time{} // it has nothing for us, and some nodes then keep silent
	m.headersEnd(p)
}

// fetchBlocks asks peers for the blocks that are missing on the best chain of headers, lowest first.
func (m *machine) fetchBlocks() {
	for _, p := range m.peers {
		if p.byInventory {
			m.fetchInventory(p)
		}
	}
	idle := func(p *peer) bool { return m.fetchable(p) && len(p.blocks) <= maxBlocksAsked/2 }
	if !slices.ContainsFunc(m.peers, idle) || !m.roomToCheck() {
		return
	}
	missing := m.v.Missing(blockWindow)
	for _, at := range missing {
		if at.Height >= missing[0].Height+blockWindow || !m.roomToCheck() {
			return
		}
		if m.underWay(at.Hash) {
			continue
		}
		if p := m.pickSource(at); p != nil {
			m.askBlock(p, at.Hash)
		} else if !slices.ContainsFunc(m.peers, func(p *peer) bool { return m.fetchable(p) && len(p.blocks) < maxBlocksAsked }) {
			return
		}
	}
}

// roomToCheck keeps the blocks in memory within bounds when they come faster than they are checked.
func (m *machine) roomToCheck() bool {
	return len(m.checking) < maxChecking && m.checkBytes < maxCheckBytes
}

func (m *machine) underWay(h coin.Hash) bool {
	_, asked := m.inFlight[h]
	_, checking := m.checking[h]
	return asked || checking
}

func (m *machine) fetchable(p *peer) bool {
	return p.ready && p.servesBlocks() && p.best.known && !p.stalled
}

// pickSource returns the least busy peer that has a block.
func (m *machine) pickSource(at chain.Position) *peer {
	var best *peer
	for _, p := range m.peers {
		if !m.fetchable(p) || len(p.blocks) >= maxBlocksAsked || p.best.height < at.Height || best != nil && len(best.blocks) <= len(p.blocks) {
			continue
		}
		if e, ok := m.v.Ancestor(p.best.hash, at.Height); ok && e.Hash == at.Hash {
			best = p
		}
	}
	return best
}

func (m *machine) askBlock(p *peer, h coin.Hash) {
	if len(p.blocks) == 0 {
		p.blockProgress = m.now
	}
	m.inFlight[h] = p.id
	p.blocks = append(p.blocks, h)
	p.late = without(p.late, h)
	p.outGetData = append(p.outGetData, msg.Item{Kind: msg.KindWitnessBlock, Hash: h})
}

// fetchBranch asks a peer for the blocks of a branch that competes with ours, so that a tie is seen and can be won.
func (m *machine) fetchBranch(p *peer, last coin.Hash) {
	top, ok := m.v.ByHash(last)
	if !ok || !m.fetchable(p) || top.State.Work().Cmp(m.v.Tip().Work()) < 0 {
		return
	}
	if e, ok := m.v.Ancestor(m.v.BestHeader().Hash(), top.Height); ok && e.Hash == last {
		return // fetchBlocks sees to it
	}
	var branch []coin.Hash
	for e := top; !e.HasBody; {
		if len(branch) == maxBranch || e.Status == chain.Invalid {
			return
		}
		branch = append(branch, e.Hash)
		if e, ok = m.v.ByHash(e.Header.Prev); !ok {
			return
		}
	}
	slices.Reverse(branch)
	for _, h := range branch {
		if !m.underWay(h) && len(p.blocks) < maxBlocksAsked {
			m.askBlock(p, h)
		}
	}
}

// checkBlocks moves requests away from a peer that does not deliver, and drops it in the end.
func (m *machine) checkBlocks(p *peer) {
	if len(p.blocks)+len(p.late) == 0 {
		return
	}
	idle := m.now.Sub(p.blockProgress)
	if idle > stallDrop && (len(p.blocks) > 0 || p.stalled) {
		m.drop(p, fmt.Errorf("%w: stalled, no block in %v of those asked for", ErrTimeout, stallDrop))
		return
	}
	if idle <= stallAfter || p.stalled || !m.othersHave(p) {
		return
	}
	p.stalled = true
	m.log(slog.LevelDebug, "peer is slow, asking others", "name", p.name, "addr", p.addr(), "blocks", len(p.blocks))
	for _, h := range p.blocks {
		delete(m.inFlight, h)
		if len(p.late) < maxLate {
			p.late = append(p.late, h)
		}
	}
	p.blocks = nil
	m.wantBlocks = true
}

// othersHave tells whether another peer could send what p was asked for first.
func (m *machine) othersHave(p *peer) bool {
	if len(p.blocks) == 0 {
		return false
	}
	e, ok := m.v.ByHash(p.blocks[0])
	return ok && slices.ContainsFunc(m.peers, func(q *peer) bool {
		if q == p || !m.fetchable(q) {
			return false
		}
		a, ok := m.v.Ancestor(q.best.hash, e.Height)
		return ok && a.Hash == e.Hash
	})
}

// onBlock takes a block, asked for or not.
func (m *machine) onBlock(p *peer, b *coin.Block) {
	h := b.Hash()
	asker, wanted := m.inFlight[h]
	mine := asker == p.id && wanted || slices.Contains(p.late, h)
	if mine {
		p.blockProgress, p.stalled, p.late = m.now, false, without(p.late, h)
	}
	if wanted { // no matter who sends it
		delete(m.inFlight, h)
		if q := m.byID[asker]; q != nil {
			q.blocks = without(q.blocks, h)
			if q != p && len(q.late) < maxLate {
				q.late = append(q.late, h)
			}
		}
	}
	m.wantBlocks = true
	if _, busy := m.checking[h]; busy {
		return
	}
	if e, ok := m.v.ByHash(h); ok && e.HasBody {
		m.noteBest(p, h)
		return
	}
	if !wanted && !mine && !m.worthChecking(p, b) {
		return
	}
	pushed := !wanted && !mine
	if pushed {
		p.pushed++
	}
	size := b.Size()
	m.checking[h] = checkedBy{size: size, pushed: pushed}
	m.checkBytes += size
	m.act(CheckBlock{ID: p.id, Block: b})
}

// worthChecking tells whether a block that nobody asked for is looked at: it must continue a chain we know to at least as
// much work as ours. A peer that keeps sending others is dropped.
func (m *machine) worthChecking(p *peer, b *coin.Block) bool {
	parent, ok := m.v.ByHash(b.Prev)
	if ok && p.pushed < maxPushedBlocks && m.roomToCheck() && parent.Status != chain.Invalid &&
		parent.State.Extend(b.Header).Work().Cmp(m.v.Tip().Work()) >= 0 {
		return true
	}
	if p.unrequested++; p.unrequested > maxUnrequested {
		m.punish(p, "blocks that nobody asked for")
		return false
	}
	if !ok {
		m.askHeaders(p, m.v.BestHeader().Hash())
	}
	return false
}

func (m *machine) onBlockChecked(e BlockChecked) {
	h := e.Block.Hash()
	by := m.checking[h]
	delete(m.checking, h)
	m.checkBytes -= by.size
	m.wantBlocks = true
	p := m.byID[e.ID]
	if p != nil && by.pushed {
		p.pushed--
	}
	if e.Err == nil || errors.Is(e.Err, chain.ErrDuplicate) {
		if p != nil {
			m.noteBest(p, h)
		}
		m.confirm(e.Block)
		return
	}
	var rule *consensus.RuleError
	if !errors.As(e.Err, &rule) {
		m.log(slog.LevelError, "a block could not be stored", "block", h, "reason", e.Err.Error())
		return
	}
	if p == nil {
		return
	}
	switch rule.Kind {
	case consensus.TooNew:
		p.headersRetry = m.now.Add(tooNewRetry)
	case consensus.MissingParent:
		m.askHeaders(p, m.v.BestHeader().Hash())
	default:
		m.punish(p, "an invalid block %v: %v", h, rule)
	}
}

// endDownload frees what a connection that is gone was to deliver.
func (m *machine) endDownload(p *peer) {
	for _, h := range p.blocks {
		delete(m.inFlight, h)
	}
	p.blocks = nil
	m.wantBlocks = true
	if m.syncPeer == p.id {
		m.syncPeer = 0
	}
}

// followTip announces what has joined the best chain since the previous step.
func (m *machine) followTip() {
	tip := m.v.Tip()
	old := m.tip
	if tip.Hash() == old {
		return
	}
	m.tip = tip.Hash()
	m.wantBlocks = true
	m.rejected.clear() // what was refused may be fine on the new chain
	m.retryEarly()
	m.caughtUp = m.caughtUp || m.v.BestHeader().Height()-tip.Height() <= farBehind
	if old.IsZero() || !m.caughtUp {
		return
	}
	run := m.newBlocks(old)
	for _, p := range m.peers {
		if p.ready {
			m.announceBlocks(p, run)
		}
	}
}

// newBlocks lists the blocks from the fork with the old tip up to the new one, lowest first; of many, only the last.
func (m *machine) newBlocks(old coin.Hash) []chain.Entry {
	var run []chain.Entry
	e, ok := m.v.ByHash(m.tip)
	for ok && len(run) <= maxAnnounceRun {
		if a, known := m.v.Ancestor(old, e.Height); known && a.Hash == e.Hash {
			break
		}
		run = append(run, e)
		e, ok = m.v.ByHash(e.Header.Prev)
	}
	slices.Reverse(run)
	if len(run) > maxAnnounceRun {
		run = run[len(run)-1:]
	}
	return run
}

// announceBlocks tells a peer of new blocks: by headers if it wants that and has the parent (BIP 130), else by the tip's hash.
func (m *machine) announceBlocks(p *peer, run []chain.Entry) {
	for len(run) > 0 && m.hasBlock(p, run[0].Position) {
		run = run[1:]
	}
	if len(run) == 0 {
		return
	}
	last := run[len(run)-1]
	parent := chain.Position{Height: run[0].Height - 1, Hash: run[0].Header.Prev}
	if p.wantsHeaders && m.hasBlock(p, parent) {
		hs := make([]coin.Header, len(run))
		for i := range run {
			hs[i] = run[i].Header
		}
		m.send(p, &msg.Headers{Headers: hs})
	} else {
		p.outInv = append(p.outInv, msg.Item{Kind: msg.KindBlock, Hash: last.Hash})
	}
	p.sentHeader = last.Hash
}

// without returns list without h, in the same array.
func without(list []coin.Hash, h coin.Hash) []coin.Hash {
	return slices.DeleteFunc(list, func(x coin.Hash) bool { return x == h })
}
