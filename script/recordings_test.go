package script

import (
	"bufio"
	"compress/gzip"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cheese/coin"
)

// step is a line of a recording of what Bitcoin Core answered to blocks and transactions, beside the repository.
type step struct {
	Op     string
	Args   []any
	Result any
	Error  any
}

// said returns Core's answer: empty where it accepted.
func (s step) said() string {
	if e, ok := s.Error.(map[string]any); ok {
		text, _ := e["message"].(string)
		return text
	}
	text, _ := s.Result.(string)
	if s.Op == "sendrawtransaction" && s.Error == nil {
		return "" // the result is the id
	}
	return text
}

// words cuts the script error out of an answer such as "mandatory-script-verify-flag-failed (Negative locktime)".
func words(said string) (text string, mandatory, ok bool) {
	kind, rest, found := strings.Cut(said, "-script-verify-flag")
	_, text, open := strings.Cut(rest, "(")
	// The texts hold parentheses of their own, and input numbers may follow.
	if end := strings.LastIndex(text, ")"); found && open && end >= 0 {
		return text[:end], kind == "mandatory", true
	}
	return "", false, false
}

// player replays the script checks of a recording: it knows every output that was ever shown to it.
type player struct {
	t       *testing.T
	v       *Verifier
	outputs map[coin.OutPoint]coin.TxOut
	rules   Flags // of blocks
	checked int
}

func (p *player) learn(tx *coin.Tx) {
	for i := range tx.Out {
		p.outputs[coin.OutPoint{Hash: tx.ID(), Index: uint32(i)}] = tx.Out[i]
	}
}

// spend returns nil for a coinbase and where an output that is spent was never shown.
func (p *player) spend(tx *coin.Tx) *Spend {
	prev := make([]coin.TxOut, len(tx.In))
	for i := range tx.In {
		out, ok := p.outputs[tx.In[i].Prev]
		if !ok {
			return nil
		}
		prev[i] = out
	}
	return NewSpend(tx, prev)
}

func (p *player) verify(checks []Check) (text string, input int) {
	var failure *Error
	if err := p.v.Verify(checks); errors.As(err, &failure) {
		return failure.Text, failure.Input
	}
	return "", 0
}

func (p *player) block(raw []byte, said string) {
	b, err := coin.ParseBlock(raw)
	if err != nil {
		return
	}
	for _, tx := range b.Txs {
		p.learn(tx)
	}
	var checks []Check
	for _, tx := range b.Txs {
		if s := p.spend(tx); s != nil {
			checks = append(checks, s.Checks(p.rules)...)
		}
	}
	want, _, scripts := words(said)
	if said != "" && !scripts {
		return // refused for another reason
	}
	p.checked += len(checks)
	if got, _ := p.verify(checks); got != want {
		p.t.Errorf("block %v: got %q, Core says %q", b.Hash(), got, want)
	}
}

func (p *player) transaction(raw []byte, said string) {
	tx, err := coin.ParseTx(raw)
	if err != nil {
		return
	}
	p.learn(tx)
	s := p.spend(tx)
	want, mandatory, scripts := words(said)
	if s == nil || said != "" && !scripts {
		return
	}
	p.checked += len(tx.In)
	got, input := p.verify(s.Checks(Standard))
	if got != want {
		p.t.Errorf("transaction %v: got %q, Core says %q", tx.ID(), got, said)
	}
	if got == "" {
		return
	}
	// Core looks at the failing input again to say whether blocks are held to the rule, too.
	if got, _ := p.verify(s.Checks(Mandatory)[input : input+1]); (got != "") != mandatory {
		p.t.Errorf("transaction %v input %d: got %q in a block, Core says %q", tx.ID(), input, got, said)
	}
}

func (p *player) play(path string) {
	f, err := os.Open(path)
	if err != nil {
		p.t.Fatal(err)
	}
	defer f.Close()
	unpacked, err := gzip.NewReader(f)
	if err != nil {
		p.t.Fatal(err)
	}
	lines := bufio.NewScanner(unpacked)
	lines.Buffer(nil, 16<<20)
	for p.checked < recordedInputs && lines.Scan() {
		var s step
		if err := json.Unmarshal(lines.Bytes(), &s); err != nil {
			p.t.Fatal(err)
		}
		if s.Op != "submitblock" && s.Op != "sendrawtransaction" {
			continue
		}
		text, _ := s.Args[0].(string)
		raw, err := hex.DecodeString(text)
		if err != nil {
			continue
		}
		if s.Op == "submitblock" {
			p.block(raw, s.said())
		} else {
			p.transaction(raw, s.said())
		}
	}
	if err := lines.Err(); err != nil {
		p.t.Fatal(err)
	}
}

// TestRecordings compares the script verdicts of recorded regtest sessions word by word. Sessions in which a rule is
// switched on late are consensus's to replay.
func TestRecordings(t *testing.T) {
	for _, name := range []string{"feature_taproot", "feature_block_rules", "mempool_accept", "feature_rbf"} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join("../../shared/recordings", name+".jsonl.gz")
			if _, err := os.Stat(path); os.IsNotExist(err) {
				t.Skipf("SKIPPED: no recording at %s", path)
			}
			p := &player{t: t, v: NewVerifier(100_000, 2), outputs: map[coin.OutPoint]coin.TxOut{}, rules: Mandatory}
			p.play(path)
			t.Logf("%d inputs checked", p.checked)
		})
	}
}
