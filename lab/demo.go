package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"cheese/chain"
	"cheese/coin"
	"cheese/consensus"
	"cheese/miner"
)

const (
	// DemoHashRate is what all peers of a demo hash together, in hashes per second: a laptop stays cool.
	DemoHashRate = 45_000
	// DemoSpacing is the wanted time between a demo's blocks.
	DemoSpacing = 10 * time.Second
)

const (
	demoMaturity    = 5
	demoPayingFirst = 4 // bootstrap blocks whose reward is mature when the demo starts
	bootstrapBlocks = demoPayingFirst + demoMaturity
)

// DemoNetwork describes a fresh network whose first target fits the hash rate, with room before now for the blocks
// that pay the peers.
func DemoNetwork(now time.Time, hashRate float64) *coin.NetworkFile {
	return &coin.NetworkFile{Name: "demo", Message: "Blue Cheese: " + now.UTC().Format(time.DateTime), Prefix: "chz",
		Time: uint32(now.Add(-bootstrapBlocks * DemoSpacing).Unix()), Spacing: uint32(DemoSpacing / time.Second),
		FirstHashes: max(1, uint64(hashRate*DemoSpacing.Seconds())),
		Subsidy:     "50", HalvingInterval: 210_000, Maturity: demoMaturity, P2PPort: 23456, HTTPPort: 8451, TrackerPort: 5656}
}

// networkFile is where a lab keeps the network its directory belongs to.
const networkFile = "network.json"

// network returns the lab's network: the one given, the one its directory holds, or a fresh one, which is kept.
func (o *Options) network(ctx context.Context) (*coin.Params, error) {
	if o.Params != nil {
		return o.Params, nil
	}
	path := filepath.Join(o.Dir, networkFile)
	if o.Dir != "" {
		b, err := os.ReadFile(path)
		if err == nil {
			p, err := coin.LoadNetwork(b)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", path, err)
			}
			return p, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	f := DemoNetwork(o.Now(), o.HashRate)
	if err := f.Mine(ctx); err != nil {
		return nil, fmt.Errorf("mine the genesis block: %w", err)
	}
	if o.Dir != "" {
		if err := WriteNetwork(path, f); err != nil {
			return nil, err
		}
	}
	return f.Params()
}

// WriteNetwork writes a network file that does not exist yet, whole or not at all.
func WriteNetwork(path string, f *coin.NetworkFile) error {
	b, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("make the folder of the network file: %w", err)
	}
	part := path + ".part"
	if err := os.WriteFile(part, append(b, '\n'), 0o644); err != nil {
		return fmt.Errorf("write the network file: %w", err)
	}
	return os.Rename(part, path)
}

// fund mines the blocks that pay the peers of a network that has none yet, with times spaced back from now. Every
// peer gets the same blocks, so they agree from the start.
func (l *Lab) fund(ctx context.Context) error {
	for _, p := range l.Peers {
		if p.Node.Chain.View().Tip().Height() > 0 {
			return nil
		}
	}
	var pay []coin.TxOut
	for _, p := range l.Peers {
		script, err := p.Node.Wallet.PayToScript()
		if err != nil {
			return err
		}
		pay = append(pay, coin.TxOut{Script: script})
	}
	first, count := l.Peers[0].Node.Chain, demoPayingFirst+int(l.Params.Maturity)
	l.Peers[0].Node.Logger().Info("mining the first cheeses, which pay the peers", "cheeses", count)
	for i := range count {
		at := l.o.Now().Add(-time.Duration(count-1-i) * l.Params.Spacing)
		b, err := bootstrapBlock(ctx, first.View().Tip(), at, pay)
		if err != nil {
			return fmt.Errorf("mine the first blocks: %w", err)
		}
		for _, p := range l.Peers {
			if err := p.Node.Chain.Submit(b); err != nil && !errors.Is(err, chain.ErrDuplicate) {
				return fmt.Errorf("give %s its first blocks: %w", p.Node.Name, err)
			}
		}
	}
	for _, p := range l.Peers {
		if err := p.Node.Chain.Flush(); err != nil {
			return err
		}
	}
	return nil
}

// bootstrapBlock mines a block whose reward is split evenly. Its time is at, or later where the network is younger.
func bootstrapBlock(ctx context.Context, tip consensus.State, at time.Time, pay []coin.TxOut) (*coin.Block, error) {
	if after := time.Unix(int64(tip.Header().Time)+1, 0); at.Before(after) {
		at = after
	}
	b, _, err := miner.Template(tip, nil, miner.TemplateOptions{PayTo: pay[0].Script, Name: "bootstrap", Now: at})
	if err != nil {
		return nil, err
	}
	coinbase := b.Txs[0].Clone()
	reward := coinbase.Out[0]
	const round = coin.Coin / 100
	share := reward.Value / coin.Amount(len(pay)) / round * round
	var outs []coin.TxOut
	for _, to := range pay {
		outs = append(outs, coin.TxOut{Value: share, Script: to.Script})
	}
	outs[0].Value += reward.Value - share*coin.Amount(len(pay))
	coinbase.Out = append(outs, coinbase.Out[1:]...) // what follows is the witness commitment
	b.Txs[0] = coinbase
	b.Merkle, _ = b.MerkleRoot()
	search := miner.NewSearch(0)
	search.Tune(runtime.GOMAXPROCS(0), 0)
	solved, ok := search.Search(ctx, b.Header, coin.Target(b.Bits))
	if !ok {
		return nil, errors.Join(context.Cause(ctx), errors.New("no nonce found"))
	}
	b.Header = solved
	return b, nil
}
