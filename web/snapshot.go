package web

import (
	"fmt"
	"time"

	"cheese/chain"
	"cheese/coin"
	"cheese/consensus"
	"cheese/mempool"
	"cheese/p2p"
	"cheese/wallet"
)

// How much of each thing a snapshot holds.
const (
	stackHeights = 60
	maxHistory   = 100
	maxPoolShown = 200
	raceBlocks   = 100
)

// kind is one sort of snapshot that the event stream sends when it changes.
type kind struct {
	name string
	take func() any
}

func (s *Server) kinds() []kind {
	return []kind{
		{"status", func() any { return s.status() }},
		{"connections", func() any { return s.connections() }},
		{"wallet", func() any { return s.wallet() }},
		{"mempool", func() any { return s.mempool() }},
		{"stack", func() any { return s.stack(-1, stackHeights) }},
	}
}

type jsonStatus struct {
	Name       string        `json:"name"`
	Network    string        `json:"network"`
	Ticker     string        `json:"ticker"`
	Version    string        `json:"version"`
	Agent      string        `json:"agent"`
	StartedAt  int64         `json:"startedAt"`
	P2P        string        `json:"p2p"`
	Tip        jsonTip       `json:"tip"`
	BestHeader int32         `json:"bestHeader"`
	Syncing    bool          `json:"syncing"`
	Difficulty float64       `json:"difficulty"`
	Target     string        `json:"target"`
	Bits       string        `json:"bits"`
	Spacing    int64         `json:"spacing"`
	Maturity   int32         `json:"maturity"`
	Subsidy    coin.Amount   `json:"subsidy"`
	Mining     jsonMining    `json:"mining"`
	Trackers   []jsonTracker `json:"trackers"`
	Classic    bool          `json:"classic"`
	Warnings   []string      `json:"warnings"`
	Race       []jsonRacer   `json:"race"`
}

type jsonTip struct {
	Height int32     `json:"height"`
	Hash   coin.Hash `json:"hash"`
	Time   int64     `json:"time"`
}

type jsonMining struct {
	On       bool    `json:"on"`
	HashRate float64 `json:"hashrate"`
	Limit    float64 `json:"limit"`
	Threads  int     `json:"threads"`
	Classic  bool    `json:"classic"`
	WaitFor  int     `json:"waitFor"`
	Mined    int     `json:"blocksMined"`
}

type jsonTracker struct {
	URL     string `json:"url"`
	OK      bool   `json:"ok"`
	Error   string `json:"error"`
	Peers   int    `json:"peers"`
	LastOK  int64  `json:"lastOkAt"`
	Warning string `json:"warning"`
}

type jsonRacer struct {
	Miner  string `json:"miner"`
	Blocks int    `json:"blocks"`
}

func (s *Server) status() jsonStatus {
	n := s.node
	v := n.Chain.View()
	tip, best := v.Tip(), v.BestHeader()
	next := tip.NextBits()
	at := ""
	if a := n.ListenAddr(); a.IsValid() {
		at = a.String()
	}
	return jsonStatus{
		Name: n.Name, Network: n.Params.Name, Ticker: n.Params.Ticker, Version: n.Version, Agent: n.Agent(), StartedAt: n.Started.Unix(), P2P: at,
		Tip:        jsonTip{tip.Height(), tip.Hash(), int64(tip.Header().Time)},
		BestHeader: best.Height(), Syncing: best.Height() > tip.Height()+1,
		Difficulty: coin.Difficulty(next), Bits: fmt.Sprintf("%08x", next), Target: fmt.Sprintf("%064x", coin.Target(next)),
		Spacing: int64(n.Params.Spacing / time.Second), Maturity: n.Params.Maturity, Subsidy: n.Params.Subsidy,
		Mining: s.mining(), Trackers: s.trackers(), Classic: n.Classic, Warnings: s.warnings(), Race: s.race(v),
	}
}

func (s *Server) mining() jsonMining {
	m := s.node.Miner.Stats()
	return jsonMining{On: m.On, HashRate: m.HashRate, Limit: m.Limit, Threads: m.Threads, Classic: s.node.Classic, WaitFor: m.WaitFor, Mined: m.Mined}
}

func (s *Server) trackers() []jsonTracker {
	out := []jsonTracker{}
	if s.node.Trackers == nil {
		return out
	}
	for _, t := range s.node.Trackers.Status() {
		j := jsonTracker{URL: t.URL, OK: t.Err == nil && !t.LastOK.IsZero(), Peers: t.Peers, Warning: t.Warning}
		if t.Err != nil {
			j.Error = t.Err.Error()
		}
		if !t.LastOK.IsZero() {
			j.LastOK = t.LastOK.Unix()
		}
		out = append(out, j)
	}
	return out
}

func (s *Server) warnings() []string {
	out := []string{}
	if w := s.node.ClockWarning(); w != "" {
		out = append(out, w)
	}
	return out
}

// race counts who mined the newest blocks, as their coinbases claim, in order of first sight from the tip.
func (s *Server) race(v *chain.View) []jsonRacer {
	out, at := []jsonRacer{}, map[string]int{}
	for h := v.Tip().Height(); h > max(0, v.Tip().Height()-raceBlocks); h-- {
		e, ok := v.ByHeight(h)
		if !ok {
			break
		}
		name := s.facts(v, e).miner
		i, ok := at[name]
		if !ok {
			i = len(out)
			at[name] = i
			out = append(out, jsonRacer{Miner: name})
		}
		out[i].Blocks++
	}
	return out
}

type jsonConnection struct {
	ID       int64   `json:"id"`
	Addr     string  `json:"addr"`
	Listen   string  `json:"listen"`
	Name     string  `json:"name"`
	Agent    string  `json:"agent"`
	Inbound  bool    `json:"inbound"`
	Height   int32   `json:"height"`
	PingMS   float64 `json:"pingMs"`
	Since    int64   `json:"since"`
	BytesIn  int64   `json:"bytesIn"`
	BytesOut int64   `json:"bytesOut"`
	State    string  `json:"state"`
	CanPay   bool    `json:"canPay"`
}

func (s *Server) connections() []jsonConnection {
	out := []jsonConnection{}
	for _, p := range s.node.P2P.Peers() {
		if p.State != p2p.Ready { // a tracker's check looks like the start of a connection
			continue
		}
		out = append(out, jsonConnection{ID: p.ID, Addr: p.Addr, Listen: p.Listen, Name: p.Name, Agent: p.Agent, Inbound: p.Inbound, Height: p.Height,
			PingMS: float64(p.Ping.Microseconds()) / 1000, Since: p.Since.Unix(), BytesIn: p.BytesRecv, BytesOut: p.BytesSent, State: "connected", CanPay: p.CanPay})
	}
	return out
}

type jsonWallet struct {
	Confirmed       coin.Amount `json:"confirmed"`
	Pending         coin.Amount `json:"pending"`
	Immature        coin.Amount `json:"immature"`
	Spendable       coin.Amount `json:"spendable"`
	Address         string      `json:"address"`
	EmptyPassphrase bool        `json:"emptyPassphrase"`
	History         []jsonEntry `json:"history"`
}

type jsonEntry struct {
	TxID          coin.Hash   `json:"txid"`
	Kind          string      `json:"kind"`
	Amount        coin.Amount `json:"amount"`
	Fee           coin.Amount `json:"fee"`
	Time          int64       `json:"time"`
	Height        int32       `json:"height"`
	Confirmations int32       `json:"confirmations"`
	State         string      `json:"state"`
	Counterparty  string      `json:"counterparty"`
}

func (s *Server) wallet() jsonWallet {
	w := s.node.Wallet
	b := w.Balance()
	j := jsonWallet{Confirmed: b.Confirmed, Pending: b.Pending, Immature: b.Immature, Spendable: b.Spendable, History: []jsonEntry{},
		EmptyPassphrase: s.node.EmptyPassphrase()}
	j.Address, _ = w.Address()
	for _, e := range w.History(maxHistory) {
		kind := string(e.Kind)
		if e.Kind == wallet.KindMoved {
			kind = "self"
		}
		j.History = append(j.History, jsonEntry{TxID: e.TxID, Kind: kind, Amount: e.Net, Fee: e.Fee, Time: e.Time.Unix(), Height: e.Height,
			Confirmations: e.Confirmations, State: string(e.State), Counterparty: e.Counterparty})
	}
	return j
}

type jsonPool struct {
	Count int          `json:"count"`
	Bytes int          `json:"bytes"`
	Txs   []jsonPoolTx `json:"txs"`
}

type jsonPoolTx struct {
	TxID      coin.Hash   `json:"txid"`
	VSize     int         `json:"vsize"`
	Fee       coin.Amount `json:"fee"`
	FeeRate   float64     `json:"feerate"`
	Time      int64       `json:"time"`
	Amount    coin.Amount `json:"amount"`
	NextBlock bool        `json:"nextBlock"`
}

func (s *Server) mempool() jsonPool {
	v := s.node.Pool.View()
	next := map[coin.Hash]bool{}
	for _, e := range v.Select(consensus.MaxBlockWeight, consensus.MaxBlockSigOpCost, v.Tip().Height()+1, v.Tip().MedianTime()) {
		next[e.ID] = true
	}
	j := jsonPool{Count: v.Len(), Bytes: v.Bytes(), Txs: []jsonPoolTx{}}
	for i, e := range v.Entries() {
		if i == maxPoolShown {
			break
		}
		j.Txs = append(j.Txs, poolTx(e, next[e.ID]))
	}
	return j
}

func poolTx(e *mempool.Entry, next bool) jsonPoolTx {
	return jsonPoolTx{TxID: e.ID, VSize: e.VSize, Fee: e.Fee, FeeRate: e.FeeRate(), Time: e.Time.Unix(), Amount: e.Tx.OutputSum(), NextBlock: next}
}
