package p2p

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"cheese/chain"
	"cheese/coin"
	"cheese/consensus"
	"cheese/mempool"
	"cheese/p2p/msg"
	"cheese/script"
)

// world runs machines against each other in virtual time, with no goroutine and no socket. Every message goes through the codec.
type world struct {
	t     *testing.T
	now   time.Time
	nodes []*testNode
	todo  []pending // what happens next, in order
	ports uint16
	ids   int64
	trace []string // every action of every node, where tracing is on
	on    bool
}

// pending is something that is going to happen. What has the same lane keeps its order, as on a socket.
type pending struct {
	lane any
	f    func()
}

// testNode is a machine with a chain and a pool to look at.
type testNode struct {
	w     *world
	m     *machine
	chain *fakeChain
	pool  map[coin.Hash]*coin.Tx
	name  string
	addr  netip.AddrPort
	more  []string        // other addresses under which it can be dialed
	links map[int64]*link // by our connection id
	sent  map[string]int  // messages by command
	logs  []Log
	done  map[int64]error // answers to Connect
	paid  map[int64]PayAnswer
	mute  func(msg.Message) bool // messages that get lost on their way out
	slow  map[coin.Hash]bool
}

// link is one end of a connection.
type link struct {
	peer  *testNode
	other int64
}

var epoch = time.Unix(1_700_000_000, 0)

func newWorld(t *testing.T) *world { return &world{t: t, now: epoch, ports: 40000} }

func (w *world) node(name string, tune ...func(*settings)) *testNode {
	i := len(w.nodes) + 1
	addr := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}), 18444)
	s := settings{params: coin.Regtest(), agent: UserAgent("0.1.0", name), listen: addr, maxInbound: 20, maxOutbound: 8}
	for _, f := range tune {
		f(&s)
	}
	n := &testNode{w: w, name: name, addr: addr, chain: newFakeChain(w, s.params), pool: map[coin.Hash]*coin.Tx{},
		links: map[int64]*link{}, sent: map[string]int{}, done: map[int64]error{}, paid: map[int64]PayAnswer{}}
	n.m = newMachine(s, [32]byte{byte(i)}, newBook())
	w.nodes = append(w.nodes, n)
	return n
}

// later queues something to happen after what is queued already.
func (w *world) later(lane any, f func()) { w.todo = append(w.todo, pending{lane, f}) }

// settle lets everything happen that needs no time to pass.
func (w *world) settle() {
	w.t.Helper()
	for n := 0; len(w.todo) > 0; n++ {
		if n > 2_000_000 {
			w.t.Fatal("the nodes never come to rest")
		}
		next := w.todo[0]
		w.todo = w.todo[1:]
		next.f()
	}
}

// pass lets time pass.
func (w *world) pass(d time.Duration) {
	w.t.Helper()
	w.settle()
	for end := w.now.Add(d); w.now.Before(end); {
		w.now = w.now.Add(100 * time.Millisecond)
		for _, n := range w.nodes {
			n.event(Tick{})
		}
		w.settle()
	}
}

// event puts an event through the machine and carries out its actions.
func (n *testNode) event(e Event) {
	for _, a := range n.m.step(n.w.now, fakeView{n}, e) {
		if n.w.on {
			n.w.trace = append(n.w.trace, n.name+" "+showAction(a))
		}
		n.do(a)
	}
}

func showAction(a Action) string {
	switch a := a.(type) {
	case Send:
		return fmt.Sprintf("send %d %s %x", a.ID, a.Msg.Command(), a.Msg.Append(nil))
	case CheckBlock:
		return fmt.Sprintf("check block %d %v", a.ID, a.Block.Hash())
	case CheckTx:
		return fmt.Sprintf("check tx %d %v", a.ID, a.Tx.ID())
	case SaveBook:
		return "save " + string(a.JSON)
	}
	return strings.TrimPrefix(fmt.Sprintf("%T %+v", a, a), "p2p.")
}

func (n *testNode) do(a Action) {
	post := func(e Event) { n.w.later(n, func() { n.event(e) }) }
	switch a := a.(type) {
	case Send:
		n.deliver(a)
	case Close:
		n.hangUp(a.ID)
	case Dial:
		n.w.later(nil, func() { n.w.connect(n, a.Addr) })
	case CheckHeaders:
		post(HeadersChecked{ID: a.ID, Headers: a.Headers, Err: n.chain.addHeaders(a.Headers)})
	case CheckBlock:
		n.w.later(n, func() { n.event(BlockChecked{ID: a.ID, Block: a.Block, Err: n.chain.addBlock(a.Block)}) })
	case CheckTx:
		n.w.later(n, func() { n.checkTx(a) })
	case ReadBlock:
		post(BlockRead{ID: a.ID, Item: a.Item, Block: n.chain.bodies[a.Item.Hash]})
	case PayTo:
		post(PayScript{ID: a.ID, Nonce: a.Nonce, Script: []byte("script of " + n.name)})
	case Connecting:
		n.done[a.Ticket] = a.Err
	case PayAnswer:
		n.paid[a.Ticket] = a
	case Log:
		n.logs = append(n.logs, a)
	}
}

// deliver carries a message to the other end in wire form.
func (n *testNode) deliver(s Send) {
	if l := n.links[s.ID]; l != nil && (n.mute == nil || !n.mute(s.Msg)) {
		n.sent[s.Msg.Command()]++
		payload := s.Msg.Append(nil)
		n.w.later(l, func() {
			m, err := msg.Decode(s.Msg.Command(), payload)
			if err != nil {
				n.w.t.Fatalf("%s sent what cannot be decoded: %v", n.name, err)
			}
			l.peer.event(Received{ID: l.other, Msg: m})
		})
	}
	if s.Count > 0 {
		n.w.later(n, func() { n.event(Sent{ID: s.ID, Bytes: s.Count}) })
	}
}

func (n *testNode) hangUp(id int64) {
	l := n.links[id]
	delete(n.links, id)
	if l != nil {
		n.w.later(l, func() { l.peer.event(Failed{ID: l.other, Err: errClosed}) })
	}
}

// connect opens a connection from n to whoever listens at addr.
func (w *world) connect(n *testNode, addr string) {
	i := slices.IndexFunc(w.nodes, func(o *testNode) bool { return o.addr.String() == addr || slices.Contains(o.more, addr) })
	if i < 0 {
		n.event(DialFailed{Dialed: addr, Err: ErrRefused})
		return
	}
	o := w.nodes[i]
	w.ports++
	w.ids += 2
	ours, theirs := w.ids-1, w.ids
	n.links[ours], o.links[theirs] = &link{o, theirs}, &link{n, ours}
	o.event(Connected{ID: theirs, Remote: netip.AddrPortFrom(n.addr.Addr(), w.ports)})
	n.event(Connected{ID: ours, Remote: o.addr, Dialed: addr})
}

// mix lets everything happen that needs no time to pass, where what goes over different connections crosses in any order.
func (w *world) mix(rng *rand.Rand) {
	for len(w.todo) > 0 {
		lane := w.todo[rng.IntN(len(w.todo))].lane
		i := slices.IndexFunc(w.todo, func(p pending) bool { return p.lane == lane })
		next := w.todo[i]
		w.todo = slices.Delete(w.todo, i, i+1)
		next.f()
	}
}

// dial connects and waits until the handshake is over.
func (n *testNode) dial(o *testNode) error {
	n.w.ids++
	ticket := n.w.ids
	n.event(Connect{Ticket: ticket, Addr: o.addr.String()})
	n.w.settle()
	err, ok := n.done[ticket]
	if !ok {
		n.w.t.Fatalf("%s got no answer for its wish to connect to %s", n.name, o.name)
	}
	return err
}

func (n *testNode) mustDial(os ...*testNode) {
	n.w.t.Helper()
	for _, o := range os {
		if err := n.dial(o); err != nil {
			n.w.t.Fatalf("%s to %s: %v", n.name, o.name, err)
		}
	}
}

// lastLog returns the newest log line of that text as a map.
func (n *testNode) lastLog(text string) map[string]any {
	for _, l := range slices.Backward(n.logs) {
		if l.Text == text {
			fields := map[string]any{}
			for i := 0; i+1 < len(l.Args); i += 2 {
				fields[l.Args[i].(string)] = l.Args[i+1]
			}
			return fields
		}
	}
	return nil
}

// said counts the log lines of that text.
func (n *testNode) said(text string) (count int) {
	for _, l := range n.logs {
		if l.Text == text {
			count++
		}
	}
	return count
}

func (n *testNode) ready() int {
	count := 0
	for _, p := range n.m.peers {
		if p.ready {
			count++
		}
	}
	return count
}

func (n *testNode) checkTx(a CheckTx) {
	err := n.accept(a.Tx)
	n.event(TxChecked{ID: a.ID, Tx: a.Tx, Err: err})
	if err == nil {
		n.event(PoolAdded{Txs: []PoolTx{{ID: a.Tx.ID(), FeeRate: 1000}}})
	}
}

// accept is a pool's Accept: an output of a transaction with an even version exists, others come from the pool. A lock time of 666 is bad, and
// one below is a height, as everywhere.
func (n *testNode) accept(tx *coin.Tx) error {
	if at := n.chain.entries[n.chain.tip].State; tx.LockTime < 666 && int32(tx.LockTime) > at.Height() {
		return &mempool.RejectError{Reason: "non-final", Early: true}
	}
	var missing []coin.OutPoint
	for _, in := range tx.In {
		if _, ok := n.pool[in.Prev.Hash]; !ok && in.Prev.Hash[31] != 0xc0 {
			missing = append(missing, in.Prev)
		}
	}
	switch {
	case len(missing) > 0:
		return &mempool.RejectError{Reason: "bad-txns-inputs-missingorspent", Missing: missing}
	case tx.LockTime == 666:
		return &mempool.RejectError{Reason: "non-final"}
	}
	n.pool[tx.ID()] = tx
	return nil
}

// submit puts a transaction into n's own pool, as its wallet would.
func (n *testNode) submit(tx *coin.Tx) {
	if err := n.accept(tx); err != nil {
		n.w.t.Fatal(err)
	}
	n.event(PoolAdded{Txs: []PoolTx{{ID: tx.ID(), FeeRate: 1000}}})
}

// payment returns a transaction that spends an output of parent, or a confirmed one where that is nil.
func payment(parent *coin.Tx, salt int) *coin.Tx {
	prev := coin.OutPoint{Index: uint32(salt)}
	prev.Hash[31] = 0xc0
	if parent != nil {
		prev = coin.OutPoint{Hash: parent.ID()}
	}
	return &coin.Tx{Version: 2, In: []coin.TxIn{{Prev: prev, Sequence: coin.SequenceFinal}}, Out: []coin.TxOut{{Value: coin.Amount(1000 + salt), Script: []byte{0x51}}}}
}

// fakeChain keeps headers by the real rules, and takes every body for valid but for those in bad.
type fakeChain struct {
	w       *world
	entries map[coin.Hash]*chain.Entry
	bodies  map[coin.Hash]*coin.Block
	bad     map[coin.Hash]bool
	best    []coin.Hash // of the best header, by height
	tip     coin.Hash
}

func newFakeChain(w *world, p *coin.Params) *fakeChain {
	g := consensus.Genesis(p)
	c := &fakeChain{w: w, entries: map[coin.Hash]*chain.Entry{}, bodies: map[coin.Hash]*coin.Block{}, bad: map[coin.Hash]bool{}}
	c.entries[g.Hash()] = &chain.Entry{Position: chain.Position{Hash: g.Hash()}, Header: g.Header(), State: g, HasBody: true, Status: chain.Active}
	c.bodies[g.Hash()] = p.Genesis
	c.best, c.tip = []coin.Hash{g.Hash()}, g.Hash()
	return c
}

func (c *fakeChain) addHeaders(hs []coin.Header) error {
	for _, h := range hs {
		if _, ok := c.entries[h.Hash()]; ok {
			continue
		}
		parent, ok := c.entries[h.Prev]
		if !ok {
			return &consensus.RuleError{Reason: "prev-blk-not-found", Kind: consensus.MissingParent}
		}
		s, err := parent.State.CheckHeader(h, c.w.now)
		if err != nil {
			return err
		}
		c.entries[s.Hash()] = &chain.Entry{Position: chain.Position{Height: s.Height(), Hash: s.Hash()}, Header: h, State: s}
		c.consider(s)
	}
	return nil
}

// consider makes a state the best header if it has more work.
func (c *fakeChain) consider(s consensus.State) {
	if s.Work().Cmp(c.bestState().Work()) <= 0 {
		return
	}
	for int(s.Height()) >= len(c.best) {
		c.best = append(c.best, coin.Hash{})
	}
	for e := c.entries[s.Hash()]; c.best[e.Height] != e.Hash; e = c.entries[e.Header.Prev] {
		c.best[e.Height] = e.Hash
	}
}

func (c *fakeChain) bestState() consensus.State { return c.entries[c.best[len(c.best)-1]].State }

func (c *fakeChain) addBlock(b *coin.Block) error {
	if _, ok := c.bodies[b.Hash()]; ok {
		return chain.ErrDuplicate
	}
	if err := c.addHeaders([]coin.Header{b.Header}); err != nil {
		return err
	}
	if c.bad[b.Hash()] {
		return &consensus.RuleError{Reason: "bad-cb-amount"}
	}
	c.bodies[b.Hash()] = b
	c.entries[b.Hash()].HasBody = true
	for e := c.entries[b.Hash()]; e != nil; { // connect what has become connectable
		if e.State.Work().Cmp(c.entries[c.tip].State.Work()) > 0 && c.whole(e) {
			c.tip = e.Hash
		}
		if int(e.Height)+1 >= len(c.best) || c.best[e.Height] != e.Hash {
			break
		}
		if e = c.entries[c.best[e.Height+1]]; !e.HasBody {
			break
		}
	}
	return nil
}

// whole tells whether all bodies below e are here, which for descendants of the tip is quickly known.
func (c *fakeChain) whole(e *chain.Entry) bool {
	for ; e.Hash != c.tip && e.Height > 0; e = c.entries[e.Header.Prev] {
		if !e.HasBody {
			return false
		}
	}
	return true
}

// mine adds n blocks on the tip; salt tells branches apart.
func (n *testNode) mine(count int, salt byte) []*coin.Block {
	var blocks []*coin.Block
	for range count {
		b := mineOn(n.chain.entries[n.chain.tip].State, salt)
		if err := n.chain.addBlock(b); err != nil {
			n.w.t.Fatalf("own block: %v", err)
		}
		blocks = append(blocks, b)
	}
	n.event(ViewChanged{})
	return blocks
}

// anyone is an output script that whoever knows it can spend: P2WSH of OP_TRUE.
var anyone = script.PayToWitnessScriptHash(sha256.Sum256([]byte{0x51}))

// mineOn returns a valid block on s with those transactions; salt tells blocks apart.
func mineOn(s consensus.State, salt byte, txs ...*coin.Tx) *coin.Block {
	height := s.Height() + 1
	in := coin.TxIn{Prev: coin.OutPoint{Index: coin.NullIndex}, Script: append(script.PushInt(int64(height)), 1, salt), Sequence: coin.SequenceFinal}
	tx := &coin.Tx{Version: 2, In: []coin.TxIn{in}, Out: []coin.TxOut{{Value: consensus.Subsidy(s.Params(), height), Script: anyone}}}
	b := &coin.Block{Header: coin.Header{Version: 0x20000000, Prev: s.Hash(), Time: s.EarliestTime(), Bits: s.NextBits()}, Txs: append([]*coin.Tx{tx}, txs...)}
	if len(txs) > 0 {
		consensus.SetWitnessCommitment(b)
	}
	b.Merkle, _ = b.MerkleRoot()
	for target := coin.Target(b.Bits); !coin.MeetsTarget(b.Hash(), target); {
		b.Nonce++
	}
	return b
}

// fakeView is the live chain: steps take no time here, so it does not change under them.
type fakeView struct{ n *testNode }

func (v fakeView) Tip() consensus.State {
	return v.n.chain.entries[v.n.chain.tip].State
}
func (v fakeView) BestHeader() consensus.State { return v.n.chain.bestState() }

func (v fakeView) ByHash(h coin.Hash) (chain.Entry, bool) {
	if e, ok := v.n.chain.entries[h]; ok {
		return *e, true
	}
	return chain.Entry{}, false
}

func (v fakeView) Ancestor(h coin.Hash, height int32) (chain.Entry, bool) {
	c := v.n.chain
	e, ok := c.entries[h]
	if !ok || height < 0 || height > e.Height {
		return chain.Entry{}, false
	}
	for e.Height > height && (int(e.Height) >= len(c.best) || c.best[e.Height] != e.Hash) {
		e = c.entries[e.Header.Prev]
	}
	if e.Height > height {
		e = c.entries[c.best[height]]
	}
	return *e, true
}

func (v fakeView) Missing(max int) []chain.Position {
	c := v.n.chain
	var list []chain.Position
	at := c.entries[c.tip]
	for at.Height > 0 && c.best[min(int(at.Height), len(c.best)-1)] != at.Hash {
		at = c.entries[at.Header.Prev]
	}
	for h := at.Height; int(h) < len(c.best) && len(list) < max; h++ {
		if e := c.entries[c.best[h]]; !e.HasBody {
			list = append(list, e.Position)
		}
	}
	return list
}

func (v fakeView) Locator(h coin.Hash) []coin.Hash {
	var list []coin.Hash
	step := int32(1)
	for at := v.n.chain.entries[h].Height; ; at -= step {
		e, _ := v.Ancestor(h, max(0, at))
		list = append(list, e.Hash)
		if at <= 0 {
			return list
		}
		if len(list) > 10 {
			step *= 2
		}
	}
}

func (v fakeView) AfterLocator(locator []coin.Hash, stop coin.Hash, max int) []coin.Header {
	c, from := v.n.chain, int32(0)
	tip := c.entries[c.tip]
	for _, h := range locator {
		if e, ok := c.entries[h]; ok {
			if a, ok := v.Ancestor(c.tip, e.Height); ok && a.Hash == h {
				from = e.Height
				break
			}
		}
	}
	var hs []coin.Header
	for h := from + 1; h <= tip.Height && len(hs) < max; h++ {
		e, _ := v.Ancestor(c.tip, h)
		if hs = append(hs, e.Header); e.Hash == stop {
			break
		}
	}
	return hs
}

func (v fakeView) Tx(id coin.Hash) (*coin.Tx, bool) {
	tx, ok := v.n.pool[id]
	return tx, ok
}

// inject makes n receive a message as if the peer behind its only connection had sent it.
func (n *testNode) inject(m msg.Message) {
	n.w.t.Helper()
	if len(n.m.peers) == 0 {
		n.w.t.Fatalf("%s has no connection", n.name)
	}
	n.event(Received{ID: n.m.peers[0].id, Msg: m})
	n.w.settle()
}

func (w *world) same(what string, got, want any) {
	w.t.Helper()
	if !reflect.DeepEqual(got, want) {
		w.t.Fatalf("%s: %v, want %v", what, got, want)
	}
}

func (w *world) fails(err, want error) {
	w.t.Helper()
	if !errors.Is(err, want) {
		w.t.Fatalf("error %v, want %v", err, want)
	}
}
