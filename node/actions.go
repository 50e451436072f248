package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"

	"cheese/coin"
	"cheese/p2p"
	"cheese/wallet"
)

// ErrNoTracker says that a peer was asked for the tracker's list but has no tracker.
var ErrNoTracker = errors.New("this peer has no tracker: start it with --tracker URL, or connect to an address yourself")

// ErrNobody says that there is no connected peer to pay.
var ErrNobody = errors.New("no connected peer can be asked for an address to pay to: connect to peers first")

// ListedPeer is one line of the peer list.
type ListedPeer struct {
	Addr      netip.AddrPort
	Self      bool
	Connected bool
	Name      string // where connected
}

// PeerList asks the trackers now for the peers of this network.
func (n *Node) PeerList(ctx context.Context) ([]ListedPeer, error) {
	if n.Trackers == nil {
		return nil, ErrNoTracker
	}
	addrs, err := n.Trackers.AskNow(ctx)
	if err != nil {
		n.log.Warn("peer list failed", "error", err)
		return nil, err
	}
	connected := map[string]p2p.PeerInfo{}
	for _, p := range n.P2P.Peers() {
		connected[p.Listen] = p
	}
	list := make([]ListedPeer, 0, len(addrs))
	for _, a := range addrs {
		p, ok := connected[a.String()]
		list = append(list, ListedPeer{Addr: a, Self: a == n.ListenAddr(), Connected: ok, Name: p.Name})
	}
	slices.SortFunc(list, func(a, b ListedPeer) int { return a.Addr.Compare(b.Addr) })
	slices.SortFunc(addrs, netip.AddrPort.Compare)
	n.log.Info("peer list", "peers", len(list), "addrs", addrs)
	return list, nil
}

// ConnectResult tells how connecting to one listed peer went.
type ConnectResult struct {
	Addr    netip.AddrPort
	Already bool
	Err     error
}

// ConnectPeers asks the trackers for peers and connects to all of them at once.
func (n *Node) ConnectPeers(ctx context.Context) ([]ConnectResult, error) {
	list, err := n.PeerList(ctx)
	if err != nil {
		return nil, err
	}
	list = slices.DeleteFunc(list, func(p ListedPeer) bool { return p.Self })
	results := make([]ConnectResult, len(list))
	var dials sync.WaitGroup
	for i, p := range list {
		dials.Go(func() { results[i] = n.connectListed(ctx, p) })
	}
	dials.Wait()
	return results, nil
}

func (n *Node) connectListed(ctx context.Context, p ListedPeer) ConnectResult {
	// Where an inbound peer listens is its own claim, so that p.Connected is for display: Connect finds out.
	err := n.P2P.Connect(ctx, p.Addr.String())
	if errors.Is(err, p2p.ErrAlreadyConnected) {
		return ConnectResult{Addr: p.Addr, Already: true}
	}
	return ConnectResult{Addr: p.Addr, Err: err}
}

// Payment asks for a payment. Exactly one of To and Peer names the recipient.
type Payment struct {
	To      []byte // output script
	Peer    int64  // id of a connected peer that is asked for an address
	Amount  coin.Amount
	FeeRate coin.Amount // crumbs per virtual byte; 0: the wallet's default
}

// Sent tells of a payment that the pool has accepted and that is on its way.
type Sent struct {
	Tx            *coin.Tx
	To            []byte
	Address       string
	RecipientName string // where a connected peer was asked
	Amount, Fee   coin.Amount
}

// Pay makes, signs and relays a payment.
func (n *Node) Pay(ctx context.Context, p Payment) (Sent, error) {
	if n.Wallet == nil {
		return Sent{}, ErrNoWallet
	}
	name := ""
	if len(p.To) == 0 {
		var err error
		if p.To, name, err = n.askAddress(ctx, p.Peer); err != nil {
			return Sent{}, err
		}
	}
	tx, made, err := n.Wallet.Send(ctx, wallet.SendRequest{Script: p.To, Amount: p.Amount, FeeRate: p.FeeRate})
	if err != nil {
		return Sent{}, err
	}
	address, _ := n.Params.Address(p.To)
	s := Sent{Tx: tx, To: p.To, Address: address, RecipientName: name, Amount: p.Amount, Fee: made.Fee}
	n.log.Info(SayCreated, "amount", n.Money(s.Amount), "to", cmp.Or(name, address), "fee", n.Small(s.Fee), "txid", short(tx.ID()))
	return s, nil
}

func (n *Node) askAddress(ctx context.Context, id int64) (to []byte, name string, err error) {
	for _, p := range n.P2P.Peers() {
		if p.ID == id {
			if to, err = n.P2P.AskPayment(ctx, id); err != nil {
				return nil, "", fmt.Errorf("ask %s for an address: %w", cmp.Or(p.Name, p.Addr), err)
			}
			return to, p.Name, nil
		}
	}
	return nil, "", fmt.Errorf("peer %d is not connected any more", id)
}

// The random payment of the exercise is from 1 to 10 coins, in hundredths.
const (
	randomPaymentLeast = 1 * coin.Coin
	randomPaymentMost  = 10 * coin.Coin
	randomPaymentStep  = coin.Coin / 100
)

// RandomPayment pays a random amount to a random connected peer, which it asks for an address. Where the wallet
// holds less than was drawn it pays what fits, down to the least amount.
func (n *Node) RandomPayment(ctx context.Context) (Sent, error) {
	if n.Wallet == nil {
		return Sent{}, ErrNoWallet
	}
	peers := slices.DeleteFunc(n.P2P.Peers(), func(p p2p.PeerInfo) bool { return !p.CanPay || p.State != p2p.Ready })
	if len(peers) == 0 {
		return Sent{}, ErrNobody
	}
	to := peers[n.rand.intN(int64(len(peers)))]
	amount := randomPaymentLeast + coin.Amount(n.rand.intN(int64((randomPaymentMost-randomPaymentLeast)/randomPaymentStep)+1))*randomPaymentStep
	if have := n.Wallet.Balance().Spendable - coin.Coin/100; have < amount { // a hundredth is left for the fee
		amount = max(randomPaymentLeast, have/randomPaymentStep*randomPaymentStep)
	}
	return n.Pay(ctx, Payment{Peer: to.ID, Amount: amount})
}

// Small renders a small amount such as a fee in the smallest unit: "308 crumbs".
func (n *Node) Small(a coin.Amount) string { return fmt.Sprintf("%d %s", int64(a), n.Params.Unit) }

// Money renders an amount with the network's ticker, without trailing zeros: "2.5 CHZ".
func (n *Node) Money(a coin.Amount) string { return trimZeros(a.String()) + " " + n.Params.Ticker }
