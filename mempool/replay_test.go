package mempool

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"cheese/chain"
	"cheese/chain/chaintest"
	"cheese/coin"
	"cheese/consensus"
	"cheese/script"
)

// recordings is where what Bitcoin Core answered to its own tests is kept, beside the repository.
const recordings = "../../shared/recordings"

// step is a line of a recording: a call, and what Core answered.
type step struct {
	Now    int64
	Op     string
	Args   []any
	Result json.RawMessage
	Error  *struct {
		Code    int
		Message string
	}
	Tip     string
	Mempool []string
}

// player replays a recording against a chain and a pool, as an RPC server would drive them.
type player struct {
	*chaintest.Harness
	t        *testing.T
	pool     *Pool
	verifier *script.Verifier
	persists bool // the pool is saved when the node stops

	agreed, steps int
	notOurs       map[string]int // steps that only an RPC server can answer, and how many
}

// TestRecordings holds the pool to what Core said: verdicts word by word, the tip after each step, and what waits at the
// end. Blocks are the chain's to judge; here they are only fed.
func TestRecordings(t *testing.T) {
	for _, name := range []string{"mempool_accept", "mempool_dust", "feature_rbf", "mempool_packages", "rpc_packages", "mempool_reorg", "mempool_resurrect"} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(recordings, name+".jsonl.gz")
			if _, err := os.Stat(path); err != nil {
				t.Skipf("SKIPPED: no recording at %s", path)
			}
			t.Parallel()
			p := player{t: t, Harness: chaintest.Open(t, coin.Regtest(), vfs.NewMem(), chain.Options{}), verifier: script.NewVerifier(1<<12, 1), notOurs: map[string]int{}}
			chaintest.EachStep(t, path, p.play)
			t.Logf("agreed on %d of %d steps; not the pool's: %v", p.agreed, p.steps, p.notOurs)
			if p.agreed != p.steps || p.steps == 0 {
				t.Errorf("agreed on %d of %d steps", p.agreed, p.steps)
			}
		})
	}
}

func (p *player) play(number int, s *step) {
	p.Now = time.Unix(s.Now, 0)
	var got, want string
	switch s.Op {
	case "start":
		p.start(s.Args)
		return
	case "end":
		got, want = fmt.Sprint(p.waiting()), fmt.Sprint(slices.Sorted(slices.Values(s.Mempool)))
		s.Tip = p.Chain.View().Tip().Hash().String()
	default:
		got, want = p.answer(s), expected(s)
		if err := p.pool.Sync(); err != nil {
			p.t.Fatal(err)
		}
	}
	if got == "" {
		p.notOurs[s.Op]++
		return
	}
	p.steps++
	tip := p.Chain.View().Tip().Hash().String()
	if got == want && tip == s.Tip {
		p.agreed++
		return
	}
	p.t.Errorf("step %d %s: Core says\n%s, tip %s; we say\n%s, tip %s", number, s.Op, want, s.Tip, got, tip)
}

func (p *player) waiting() []string {
	ids := []string{}
	for _, e := range p.pool.View().Entries() {
		ids = append(ids, e.ID.String())
	}
	slices.Sort(ids)
	return ids
}

// start stops the node, if there is one, and starts it with flags.
func (p *player) start(flags []any) {
	var saved bytes.Buffer
	if p.pool != nil && p.persists {
		if err := p.pool.Save(&saved); err != nil {
			p.t.Fatal(err)
		}
	}
	p.Restart()
	o := DefaultOptions()
	o.Now, o.Verifier, p.persists = func() time.Time { return p.Now }, p.verifier, true
	for _, f := range flags {
		p.flag(&o, f.(string))
	}
	p.pool = New(p.Chain, o)
	if saved.Len() > 0 && p.persists {
		if err := p.pool.Load(&saved); err != nil {
			p.t.Fatal(err)
		}
	}
}

func (p *player) flag(o *Options, flag string) {
	name, value, given := strings.Cut(flag, "=")
	number, err := strconv.ParseFloat(cmp.Or(value, "1"), 64)
	if err != nil {
		p.t.Fatalf("flag %s", flag)
	}
	n, on, rate := int(number), !given || value != "0", coin.Amount(math.Round(number*float64(coin.Coin)))
	switch name {
	case "-mempoolfullrbf":
		o.FullRBF = on
	case "-permitbaremultisig":
		o.PermitBareMultisig = on
	case "-persistmempool":
		p.persists = on
	case "-dustrelayfee":
		o.DustRelayFee = rate
	case "-minrelaytxfee":
		o.MinRelayFee = rate
	case "-datacarriersize":
		o.DataCarrierSize = n
	case "-maxmempool":
		o.MaxBytes = int64(n) * 1_000_000
	case "-limitancestorcount":
		o.Limits.AncestorCount = n
	case "-limitancestorsize":
		o.Limits.AncestorSize = n * 1000
	case "-limitdescendantcount":
		o.Limits.DescendantCount = n
	case "-limitdescendantsize":
		o.Limits.DescendantSize = n * 1000
	case "-txindex":
	default:
		p.t.Fatalf("flag %s", flag)
	}
}

// refused is how an error shows in what is compared.
func refused(code int, message string) string { return fmt.Sprintf("error %d: %s", code, message) }

// expected puts Core's answer in the words of answer.
func expected(s *step) string {
	if s.Error != nil {
		return refused(s.Error.Code, s.Error.Message)
	}
	switch s.Op {
	case "testmempoolaccept":
		return listText(s.Result)
	case "submitpackage":
		return packageText(s.Result)
	}
	return "done"
}

// jsonVerdict is what RPC says of one transaction, in testmempoolaccept or submitpackage.
type jsonVerdict struct {
	TxID       string `json:"txid"`
	WTxID      string `json:"wtxid"`
	OtherWTxID string `json:"other-wtxid"`
	Allowed    *bool
	VSize      int
	Fees       struct {
		Base      float64
		Effective float64  `json:"effective-feerate"`
		With      []string `json:"effective-includes"`
	}
	Reason       string `json:"reject-reason"`
	Error        string
	PackageError string `json:"package-error"`
}

func (v jsonVerdict) String() string {
	allowed := "?"
	if v.Allowed != nil {
		allowed = fmt.Sprint(*v.Allowed)
	}
	return fmt.Sprintf("%s/%s%s %s %d bytes, %.8f, %.8f with %v %q %q %q", v.TxID, v.WTxID, v.OtherWTxID, allowed, v.VSize, v.Fees.Base, v.Fees.Effective,
		v.Fees.With, v.Reason, v.Error, v.PackageError)
}

func listText(raw json.RawMessage) string {
	var list []jsonVerdict
	if err := json.Unmarshal(raw, &list); err != nil {
		return err.Error()
	}
	return lines(list)
}

func packageText(raw json.RawMessage) string {
	var r struct {
		Message  string                 `json:"package_msg"`
		Results  map[string]jsonVerdict `json:"tx-results"`
		Replaced []string               `json:"replaced-transactions"`
	}
	if err := json.Unmarshal(raw, &r); err != nil {
		return err.Error()
	}
	var list []jsonVerdict
	for _, id := range slices.Sorted(maps.Keys(r.Results)) {
		v := r.Results[id]
		v.WTxID = id
		list = append(list, v)
	}
	return fmt.Sprintf("%s\nreplaced %v\n%s", r.Message, slices.Sorted(slices.Values(r.Replaced)), lines(list))
}

func lines(list []jsonVerdict) string {
	var b strings.Builder
	for _, v := range list {
		fmt.Fprintln(&b, v)
	}
	return b.String()
}

// answer drives chain and pool as RPC would; empty for what is not theirs to answer.
func (p *player) answer(s *step) string {
	switch s.Op {
	case "submitblock":
		p.submit(s.Args[0].(string))
		return "done"
	case "invalidateblock", "reconsiderblock", "preciousblock":
		return p.operate(s)
	case "prioritisetransaction":
		p.pool.Prioritise(hash(p.t, s.Args[0]), coin.Amount(s.Args[2].(float64)))
		return "done"
	case "sendrawtransaction":
		tx, err := parse(s.Args[0])
		if err != nil {
			return refused(-22, "TX decode failed. Make sure the tx has at least one input.")
		}
		return p.send(tx, maxRate(s.Args))
	case "testmempoolaccept", "submitpackage":
		return p.several(s)
	}
	return ""
}

func parse(arg any) (*coin.Tx, error) {
	text, _ := arg.(string)
	raw, err := hex.DecodeString(text)
	if err != nil {
		return nil, err
	}
	return coin.ParseTx(raw)
}

func hash(t *testing.T, arg any) coin.Hash {
	h, err := coin.ParseHash(arg.(string))
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// maxRate reads the argument of that name, in crumbs per 1000 virtual bytes.
func maxRate(args []any) coin.Amount {
	if len(args) < 2 {
		return coin.Coin / 10
	}
	rate, ok := args[1].(float64)
	if text, isText := args[1].(string); !ok && isText {
		rate, _ = strconv.ParseFloat(text, 64)
	}
	return coin.Amount(math.Round(rate * float64(coin.Coin)))
}

func (p *player) submit(text string) {
	raw, err := hex.DecodeString(text)
	if err != nil {
		return
	}
	b, err := coin.ParseBlock(raw)
	if err != nil || len(b.Txs) == 0 {
		return
	}
	if _, _, commits := consensus.WitnessCommitment(b); commits && !b.Txs[0].HasWitness() {
		coinbase := b.Txs[0].Clone()
		coinbase.In[0].Witness = [][]byte{make([]byte, 32)}
		b.Txs[0] = coinbase
	}
	_ = p.Chain.Submit(b) // the tip tells
}

func (p *player) operate(s *step) string {
	f := map[string]func(coin.Hash) error{
		"invalidateblock": p.Chain.Invalidate, "reconsiderblock": p.Chain.Reconsider, "preciousblock": p.Chain.Precious,
	}[s.Op]
	if err := f(hash(p.t, s.Args[0])); err != nil {
		return err.Error()
	}
	return "done"
}

func (p *player) send(tx *coin.Tx, most coin.Amount) string {
	for i := range tx.Out {
		if _, ok, _ := p.Chain.View().Coin(coin.OutPoint{Hash: tx.ID(), Index: uint32(i)}); ok {
			return refused(-27, "Transaction outputs already in utxo set")
		}
	}
	if p.pool.View().Has(tx.ID()) {
		return "done"
	}
	if v := p.pool.Test([]*coin.Tx{tx})[0]; most > 0 && v.Allowed && v.Fee > feeFor(most, tx.VSize()) {
		return refused(-25, "Fee exceeds maximum configured by user (e.g. -maxtxfee, maxfeerate)")
	}
	err := p.pool.Accept(tx)
	r, ok := errors.AsType[*RejectError](err)
	switch {
	case err == nil:
		return "done"
	case !ok:
		p.t.Fatal(err)
	case len(r.Missing) > 0:
		return refused(-25, r.Error())
	}
	return refused(-26, r.Error())
}

// several answers what takes a list of transactions; what is wrong with the arguments is not the pool's.
func (p *player) several(s *step) string {
	list, ok := s.Args[0].([]any)
	most := maxRate(s.Args)
	if !ok || s.Error != nil && s.Error.Code != -25 || s.Error != nil && len(s.Args) > 2 {
		return ""
	}
	var txs []*coin.Tx
	for _, arg := range list {
		tx, err := parse(arg)
		if err != nil {
			p.t.Fatal(err)
		}
		txs = append(txs, tx)
	}
	if s.Op == "testmempoolaccept" {
		return lines(tested(p.pool.Test(txs), most))
	}
	r, err := p.pool.AcceptPackageCapped(txs, most)
	if errors.Is(err, ErrTopology) {
		return refused(-25, err.Error())
	} else if err != nil {
		p.t.Fatal(err)
	}
	results := submitted(r.Verdicts)
	slices.SortFunc(results, func(a, b jsonVerdict) int { return strings.Compare(a.WTxID, b.WTxID) })
	var replaced []string
	for _, id := range r.Replaced {
		replaced = append(replaced, id.String())
	}
	slices.Sort(replaced)
	return fmt.Sprintf("%s\nreplaced %v\n%s", r.Message, replaced, lines(results))
}

func tested(verdicts []Verdict, most coin.Amount) (list []jsonVerdict) {
	late := false
	for _, v := range verdicts {
		j := jsonVerdict{TxID: v.TxID.String(), WTxID: v.WitnessID.String(), PackageError: v.PackageError}
		switch {
		case late, v.Unfinished:
		case v.Allowed && most > 0 && v.Fee > feeFor(most, v.VSize):
			j.Allowed, j.Reason, late = new(bool), "max-fee-exceeded", true
		default:
			j.Allowed, j.Reason = &v.Allowed, v.Reason
			if v.Allowed {
				j.fees(v)
			}
		}
		list = append(list, j)
	}
	return list
}

func submitted(verdicts []Verdict) (list []jsonVerdict) {
	for _, v := range verdicts {
		j := jsonVerdict{TxID: v.TxID.String(), WTxID: v.WitnessID.String()}
		switch {
		case !v.OtherWitness.IsZero():
			j.OtherWTxID = v.OtherWitness.String()
		case v.Allowed:
			j.fees(v)
		default:
			j.Error = v.Reject.Error()
		}
		list = append(list, j)
	}
	return list
}

func (j *jsonVerdict) fees(v Verdict) {
	j.VSize, j.Fees.Base = v.VSize, float64(v.Fee)/float64(coin.Coin)
	if v.AlreadyHere {
		return
	}
	j.Fees.Effective = float64(v.EffectiveFeeRate) / float64(coin.Coin)
	for _, id := range v.EffectiveWith {
		j.Fees.With = append(j.Fees.With, id.String())
	}
}
