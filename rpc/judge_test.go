package rpc

import (
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"cheese/coin"
	"cheese/mempool"
	"cheese/miner"
	"cheese/node"
	"cheese/script"
)

// TestMockTime sets the clock of a peer that has one to set, and only of such a peer.
func TestMockTime(t *testing.T) {
	newHarness(t).fails(codeMisc, "for regression testing", "setmocktime", "[1]")
	clock := &node.Clock{}
	h := newNode(t, node.Config{Clock: clock})
	h.is("null", "setmocktime", "[4000000000]")
	block := h.mine("1", h.stranger())[0]
	expect(t, h.call("getblockheader", quote([]any{block})).(map[string]any), map[string]any{"time": json.Number("4000000000")})
	if got := h.node.Now().Unix(); got != 4_000_000_000 {
		t.Errorf("the clock shows %d", got)
	}
	h.fails(codeParameter, "Mocktime must be in the range [0, 9223372036], not -1.", "setmocktime", "[-1]")
	h.fails(codeParameter, "not 9223372037.", "setmocktime", "[9223372037]")
	h.is("null", "setmocktime", "[0]")
	if got := h.node.Now(); time.Since(got).Abs() > time.Minute {
		t.Errorf("the clock shows %v", got)
	}
}

// TestPolicy: what the pool was told is what its state says.
func TestPolicy(t *testing.T) {
	policy := mempool.DefaultOptions()
	policy.FullRBF, policy.IncrementalRelayFee, policy.MinRelayFee = false, 2000, 0
	h := newNode(t, node.Config{Policy: policy})
	expect(t, h.call("getmempoolinfo", "").(map[string]any), map[string]any{"fullrbf": false,
		"incrementalrelayfee": json.Number("0.00002000"), "minrelaytxfee": json.Number("0.00000000")})
	expect(t, h.call("getnetworkinfo", "").(map[string]any), map[string]any{"incrementalfee": json.Number("0.00002000")})
}

// TestWithoutWallet: what needs a wallet says so, all else works.
func TestWithoutWallet(t *testing.T) {
	h := newNode(t, node.Config{NoWallet: true})
	h.fails(codeNoWallet, "No wallet is loaded", "getbalance", "")
	h.fails(codeNoWallet, "No wallet is loaded", "sendtoaddress", `["`+h.stranger()+`",1]`)
	h.mine("1", h.stranger())
	h.is("1", "getblockcount", "")
}

// TestSaltedPassword admits by -rpcauth lines, one made by Core's rpcauth.py among them.
func TestSaltedPassword(t *testing.T) {
	for _, bad := range []string{"", "rt", "rt:salt", "rt:salt$", "rt:salt$12", "rt:salt$" + strings.Repeat("g", 64)} {
		if _, err := ParseSalted(bad); err != ErrSalted {
			t.Errorf("%q gives %v", bad, err)
		}
	}
	salted, err := ParseSalted("rt:93648e835a54c573682c2eb19f882535$7681e9c5b74bdd85e78166031d2058e1069b3ed7ed967c93fc63abba06f31144")
	if err != nil {
		t.Fatal(err)
	}
	h := newHarness(t)
	h.server.Admit(salted)
	login := func(user, password string) int {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, h.url, strings.NewReader(`{"id":1,"method":"getblockcount"}`))
		if err != nil {
			t.Fatal(err)
		}
		req.SetBasicAuth(user, password)
		status, _ := h.do(req)
		return status
	}
	for _, test := range []struct {
		user, password string
		status         int
	}{
		{"rt", "cA773lm788buwYe4g4WT+05pKyNruVKjQ25x3n0DQcM=", http.StatusOK},
		{testAuth.User, testAuth.Password, http.StatusOK},
		{"rt", "cA773lm788buwYe4g4WT+05pKyNruVKjQ25x3n0DQcM", http.StatusUnauthorized},
		{"tr", "cA773lm788buwYe4g4WT+05pKyNruVKjQ25x3n0DQcM=", http.StatusUnauthorized},
		{"rt", "", http.StatusUnauthorized},
		{testAuth.User, "", http.StatusUnauthorized},
	} {
		if got := login(test.user, test.password); got != test.status {
			t.Errorf("%s with %q: status %d", test.user, test.password, got)
		}
	}
}

// TestChainTips lists a branch that lost the race below the one that won.
func TestChainTips(t *testing.T) {
	h := newHarness(t)
	tip := h.node.Chain.View().Tip()
	rival, _, err := miner.Template(tip, nil, miner.TemplateOptions{PayTo: anyoneCanSpend, Now: time.Now(), ExtraNonce: 7})
	if err != nil {
		t.Fatal(err)
	}
	for !coin.MeetsTarget(rival.Hash(), coin.Target(rival.Bits)) {
		rival.Nonce++
	}
	won := h.mine("2", h.stranger())
	h.is(`"inconclusive"`, "submitblock", quote([]any{hexed(rival.Bytes())}))
	h.is(`[{"height":2,"hash":`+quote(won[1])+`,"branchlen":0,"status":"active"},{"height":1,"hash":`+quote(rival.Hash())+`,"branchlen":1,"status":"valid-headers"}]`,
		"getchaintips", "")
}

// TestSurgery walks a chain back by hand, prefers a rival, and takes both back.
func TestSurgery(t *testing.T) {
	h := newHarness(t)
	genesis := quote(h.node.Params.Genesis.Hash())
	blocks := h.mine("3", h.stranger())
	h.is("null", "invalidateblock", quote(blocks[1:2]))
	h.is(quote(blocks[0]), "getbestblockhash", "")
	rivals := h.mine("2", h.stranger())
	h.is("null", "reconsiderblock", quote(blocks[2:]))
	h.is(quote(blocks[2]), "getbestblockhash", "") // it came before the other that is as long
	h.is("null", "preciousblock", quote(rivals[1:]))
	h.is(quote(rivals[1]), "getbestblockhash", "")
	h.is("null", "invalidateblock", "["+genesis+"]")
	h.is("3", "getblockcount", "")
	for _, method := range []string{"invalidateblock", "reconsiderblock", "preciousblock"} {
		h.fails(codeAddressOrKey, "Block not found", method, `["`+strings.Repeat("7", 64)+`"]`)
		h.fails(codeParameter, "blockhash must be of length 64", method, `["7"]`)
	}
}

// TestBlockTemplate gets what a miner needs, and the next one as soon as the tip changes.
func TestBlockTemplate(t *testing.T) {
	h := newHarness(t)
	h.mine("101", h.call("getnewaddress", "").(string))
	txid := h.call("sendtoaddress", `[`+quote(h.stranger())+`,1]`).(string)
	h.fails(codeParameter, "must be called with the segwit rule set", "getblocktemplate", `[{}]`)
	h.fails(codeParameter, "Invalid mode", "getblocktemplate", `[{"mode":"guess"}]`)
	h.fails(codeParameter, "Invalid mode", "getblocktemplate", `[{"mode":5}]`)
	j := h.call("getblocktemplate", `[{"rules":["segwit"]}]`).(map[string]any)
	tx := j["transactions"].([]any)[0].(map[string]any)
	fee := h.call("getmempoolentry", quote([]string{txid})).(map[string]any)["fees"].(map[string]any)["base"].(json.Number)
	crumbs, _ := coin.ParseAmount(string(fee))
	expect(t, tx, map[string]any{"txid": txid, "fee": json.Number(quote(int64(crumbs))), "sigops": json.Number("0")})
	expect(t, j, map[string]any{"height": json.Number("102"), "bits": "207fffff", "version": json.Number("536870912"),
		"coinbasevalue": json.Number(quote(int64(50*coin.Coin + crumbs))), "target": "7fffff" + strings.Repeat("0", 58)})
	h.fails(codeAddressOrKey, "Transaction not in mempool", "getmempoolentry", `["`+strings.Repeat("0", 64)+`"]`)

	// A caller that holds this template waits for the next block.
	answered := make(chan any, 1)
	go func() {
		raw, err := h.client.Call(t.Context(), "getblocktemplate", json.RawMessage(`[{"rules":["segwit"],"longpollid":`+quote(j["longpollid"])+`}]`))
		if err != nil {
			answered <- err
			return
		}
		answered <- decode(t, raw).(map[string]any)["height"]
	}()
	select {
	case got := <-answered:
		t.Fatalf("the long poll did not wait: %v", got)
	case <-time.After(100 * time.Millisecond):
	}
	h.mine("1", h.stranger())
	if got := <-answered; got != json.Number("103") {
		t.Errorf("the long poll gave %v", got)
	}
}

// TestPackage tries, prioritises and submits what others would not take one by one.
func TestPackage(t *testing.T) {
	h := newHarness(t)
	h.mine("1", h.anyone())
	coinbase := h.call("getblock", quote([]any{h.call("getbestblockhash", ""), 2})).(map[string]any)["tx"].([]any)[0].(map[string]any)["txid"].(string)
	h.mine("100", h.stranger())
	root, err := coin.ParseHash(coinbase)
	if err != nil {
		t.Fatal(err)
	}
	parent := h.spend(coin.OutPoint{Hash: root}, 50*coin.Coin)
	child := h.spend(coin.OutPoint{Hash: parent.ID()}, 50*coin.Coin-10_000)
	raw := func(txs ...*coin.Tx) string {
		var all []hexed
		for _, tx := range txs {
			all = append(all, tx.Bytes())
		}
		return quote([]any{all})
	}

	tested := h.call("testmempoolaccept", raw(parent)).([]any)[0].(map[string]any)
	expect(t, tested, map[string]any{"txid": parent.ID().String(), "wtxid": parent.WitnessID().String(), "allowed": false, "reject-reason": "min relay fee not met"})
	tested = h.call("testmempoolaccept", raw(child)).([]any)[0].(map[string]any)
	expect(t, tested, map[string]any{"allowed": false, "reject-reason": "missing-inputs"})
	h.fails(codeVerify, "package topology disallowed", "submitpackage", raw(child, parent))

	result := h.call("submitpackage", raw(parent, child)).(map[string]any)
	expect(t, result, map[string]any{"package_msg": "success"})
	paid := result["tx-results"].(map[string]any)[parent.WitnessID().String()].(map[string]any)
	expect(t, paid, map[string]any{"txid": parent.ID().String()})
	if with := paid["fees"].(map[string]any)["effective-includes"].([]any); len(with) != 2 {
		t.Errorf("the parent came in with %v", with)
	}
	h.is("true", "prioritisetransaction", `["`+parent.ID().String()+`",0,-5]`)
	fees := h.call("getmempoolentry", quote([]any{parent.ID()})).(map[string]any)["fees"].(map[string]any)
	expect(t, fees, map[string]any{"base": json.Number("0.00000000"), "modified": json.Number("-0.00000005"), "descendant": json.Number("0.00009995")})
}

// anyone returns the address of a script hash whose script anyone can satisfy.
func (h *harness) anyone() string {
	h.t.Helper()
	address, ok := h.node.Params.Address(script.PayToWitnessScriptHash(sha256.Sum256(anyoneCanSpend)))
	if !ok {
		h.t.Fatal("no address")
	}
	return address
}

// spend makes a transaction that pays such a coin on to anyone; of the version whose parents need not pay (BIP 431).
func (h *harness) spend(from coin.OutPoint, value coin.Amount) *coin.Tx {
	to := script.PayToWitnessScriptHash(sha256.Sum256(anyoneCanSpend))
	return &coin.Tx{Version: 3, In: []coin.TxIn{{Prev: from, Sequence: coin.SequenceFinal, Witness: [][]byte{anyoneCanSpend}}},
		Out: []coin.TxOut{{Value: value, Script: to}}}
}

// TestTxOutSet counts what a few blocks have left.
func TestTxOutSet(t *testing.T) {
	h := newHarness(t)
	h.mine("3", h.stranger())
	none := h.call("gettxoutsetinfo", `["none"]`).(map[string]any)
	expect(t, none, map[string]any{"height": json.Number("3"), "txouts": json.Number("3"), "transactions": json.Number("3"), "total_amount": json.Number("150.00000000")})
	for _, kind := range []string{"hash_serialized_3", "muhash"} {
		got := h.call("gettxoutsetinfo", quote([]string{kind})).(map[string]any)
		if hash, _ := got[kind].(string); len(hash) != 64 || got["bogosize"] != none["bogosize"] {
			t.Errorf("%s gives %v", kind, got)
		}
	}
}
