package chain_test

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"cheese/chain"
	"cheese/chain/chaintest"
	"cheese/coin"
	"cheese/consensus"
)

// recordings is where what Bitcoin Core answered to its own tests is kept, beside the repository.
const recordings = "../../shared/recordings"

// step is a line of a recording: a call, and what Core answered.
type step struct {
	Now    int64
	Op     string
	Args   []any
	Result any
	Error  *struct{ Message string }
	Tip    string
	Coins  struct {
		Height    int32
		BestBlock string
		TxOuts    int64
		Hash      string      `json:"hash_serialized_3"`
		Amount    json.Number `json:"total_amount"`
	} `json:"txoutset"`
}

// said returns Core's answer in one word, empty for yes.
func (s *step) said() string {
	if s.Error != nil {
		return s.Error.Message
	}
	text, _ := s.Result.(string)
	return text
}

// player replays the steps of a recording that concern the chain.
type player struct {
	*chaintest.Harness
	t               *testing.T
	agreed, steps   int
	blocks, surgery int
}

// TestRecordings replays recordings against the chain alone: the same verdict in the same words and the same tip
// after each step, and the same coins at the end.
func TestRecordings(t *testing.T) {
	for _, name := range []string{
		"feature_block_rules", "feature_cltv", "feature_csv_activation", "feature_dersig", "feature_rbf", "feature_taproot", "mempool_accept",
		"mempool_dust", "mempool_packages", "mempool_reorg", "mempool_resurrect", "mining_basic", "p2p_invalid_block", "rpc_invalidateblock", "rpc_packages",
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(recordings, name+".jsonl.gz")
			if _, err := os.Stat(path); err != nil {
				t.Skipf("SKIPPED: no recording at %s", path)
			}
			if slowed && heavy[name] {
				t.Skip("SKIPPED: too slow with the race detector; run without it")
			}
			t.Parallel()
			p := player{t: t, Harness: chaintest.Open(t, coin.Regtest(), vfs.NewMem(), chain.Options{})}
			chaintest.EachStep(t, path, p.play)
			p.conclude()
		})
	}
}

// heavy recordings take minutes with the race detector.
var heavy = map[string]bool{"feature_block_rules": true, "feature_taproot": true}

// TestLargeReorg replays a reorganization of 1,088 full blocks, on disk, since it is 2 GB.
func TestLargeReorg(t *testing.T) {
	if os.Getenv("CHEESE_LONG") == "" {
		t.Skip("takes minutes: set CHEESE_LONG=1")
	}
	path, err := filepath.Abs(filepath.Join(recordings, "feature_block_with_large_reorg.jsonl.gz"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Skipf("SKIPPED: no recording at %s", path)
	}
	t.Chdir(t.TempDir())
	p := player{t: t, Harness: chaintest.Open(t, coin.Regtest(), vfs.Default, chain.Options{})}
	chaintest.EachStep(t, path, p.play)
	p.conclude()
}

func (p *player) conclude() {
	p.t.Logf("agreed on %d of %d steps: %d blocks, %d invalidated or reconsidered", p.agreed, p.steps, p.blocks, p.surgery)
	if p.agreed != p.steps || p.steps == 0 {
		p.t.Errorf("agreed on %d of %d steps", p.agreed, p.steps)
	}
}

func (p *player) play(number int, s *step) {
	p.Now = time.Unix(s.Now, 0)
	var got string
	switch s.Op {
	case "start":
		p.start(s.Args)
		return
	case "end":
		p.end(s)
		return
	case "submitblock":
		p.blocks++
		got = p.submit(s.Args[0].(string))
	case "invalidateblock", "reconsiderblock", "preciousblock":
		p.surgery++
		got = p.operate(s.Op, s.Args[0].(string))
	default:
		return // the pool's
	}
	p.steps++
	tip := p.Tip().Hash().String()
	if got == s.said() && tip == s.Tip {
		p.agreed++
		return
	}
	p.t.Errorf("step %d %s: Core says %q, tip %s; we say %q, tip %s", number, s.Op, s.said(), s.Tip, got, tip)
}

// start opens the chain again, with the rules that the flags name.
func (p *player) start(flags []any) {
	params := coin.Regtest()
	h := &params.Heights
	rules := map[string]*int32{"bip34": &h.BIP34, "dersig": &h.BIP66, "cltv": &h.BIP65, "csv": &h.CSV, "segwit": &h.Segwit}
	for _, flag := range flags {
		value, ok := strings.CutPrefix(flag.(string), "-testactivationheight=")
		if !ok {
			continue
		}
		rule, at, _ := strings.Cut(value, "@")
		height, err := strconv.Atoi(at)
		if err != nil || rules[rule] == nil {
			p.t.Fatalf("flag %v", flag)
		}
		*rules[rule] = int32(height)
	}
	p.Params = params
	p.Restart()
}

func (p *player) end(s *step) {
	v := p.Chain.View()
	hash, stats, err := v.SerializedHash()
	if err != nil {
		p.t.Fatal(err)
	}
	p.steps++
	want := &s.Coins
	amount, err := coin.ParseAmount(want.Amount.String())
	if err != nil {
		p.t.Fatal(err)
	}
	if v.Position().Height != want.Height || v.Position().Hash.String() != want.BestBlock ||
		stats.TxOuts != want.TxOuts || stats.Amount != amount || hash.String() != want.Hash {
		p.t.Errorf("end: Core has %+v; we have %v, %+v, hash %v", *want, v.Position(), stats, hash)
		return
	}
	p.agreed++
}

// submit answers as Core's submitblock.
func (p *player) submit(text string) string {
	raw, err := hex.DecodeString(text)
	if err != nil {
		return "Block decode failed"
	}
	b, err := coin.ParseBlock(raw)
	if err != nil {
		return "Block decode failed"
	}
	if len(b.Txs) == 0 || !b.Txs[0].IsCoinbase() {
		return "Block does not start with a coinbase"
	}
	completeWitness(b)
	switch err := p.Chain.Submit(b); {
	case err == nil && !p.Chain.View().Contains(b.Hash()):
		return "inconclusive"
	case err == nil:
		return ""
	default:
		return word(p.t, err)
	}
}

// completeWitness adds the coinbase's witness where a block commits to witnesses and lacks it, as submitblock does.
func completeWitness(b *coin.Block) {
	if _, _, commits := consensus.WitnessCommitment(b); commits && !b.Txs[0].HasWitness() {
		coinbase := b.Txs[0].Clone()
		coinbase.In[0].Witness = [][]byte{make([]byte, 32)}
		b.Txs[0] = coinbase
	}
}

func (p *player) operate(op, text string) string {
	h, err := coin.ParseHash(text)
	if err != nil {
		p.t.Fatal(err)
	}
	f := map[string]func(coin.Hash) error{
		"invalidateblock": p.Chain.Invalidate, "reconsiderblock": p.Chain.Reconsider, "preciousblock": p.Chain.Precious,
	}[op]
	if err := f(h); err != nil {
		return word(p.t, err)
	}
	return ""
}

func word(t *testing.T, err error) string {
	var rule *consensus.RuleError
	switch {
	case errors.As(err, &rule):
		return rule.Reason
	case errors.Is(err, chain.ErrDuplicate):
		return "duplicate"
	case errors.Is(err, chain.ErrUnknown):
		return "Block not found"
	}
	t.Fatal(err)
	return ""
}
