package rpc

import (
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"cheese/coin"
	"cheese/consensus"
	"cheese/miner"
	"cheese/script"
)

// TestMineAndPay mines a wallet rich, pays somebody, and finds the payment in pool, block and history.
func TestMineAndPay(t *testing.T) {
	h := newHarness(t)
	mine := h.call("getnewaddress", "").(string)
	if hashes := h.mine("100", mine); len(hashes) != 100 {
		t.Fatalf("%d blocks instead of 100", len(hashes))
	}
	h.is("0.00000000", "getbalance", "") // the next block may spend the first reward, and Core's wallet waits for it
	h.balances("0.00000000", "0.00000000", "5000.00000000")
	h.mine("1", mine)
	h.is("101", "getblockcount", "")
	h.balances("50.00000000", "0.00000000", "5000.00000000")
	h.is("50.00000000", "getbalance", "")
	h.is("0.00000000", "getbalance", `["*",102]`)

	other := h.stranger()
	txid := h.call("sendtoaddress", `[`+quote(other)+`,"1.25"]`).(string)
	h.is(`["`+txid+`"]`, "getrawmempool", "")
	info := h.call("getmempoolinfo", "").(map[string]any)
	if info["size"] != json.Number("1") || info["total_fee"] == json.Number("0.00000000") {
		t.Fatalf("the pool has %v", info)
	}
	entry := h.call("getrawmempool", "[true]").(map[string]any)[txid].(map[string]any)
	if entry["bip125-replaceable"] != true && entry["bip125-replaceable"] != false || entry["ancestorcount"] != json.Number("1") {
		t.Fatalf("the pool's entry is %v", entry)
	}

	paid, _ := coin.ParseAmount(string(info["total_fee"].(json.Number)))
	h.balances((50*coin.Coin - 125*coin.Coin/100 - paid).String(), "0.00000000", "5000.00000000") // our own change is trusted
	sent := h.call("listtransactions", `["*",1]`).([]any)[0].(map[string]any)
	expect(t, sent, map[string]any{"category": "send", "address": other, "amount": json.Number("-1.25000000"), "txid": txid, "confirmations": json.Number("0"), "trusted": true})

	block := h.mine("1", other)[0].(string)
	h.is("[]", "getrawmempool", "")
	sent = h.call("gettransaction", quote([]string{txid})).(map[string]any)
	expect(t, sent, map[string]any{"amount": json.Number("-1.25000000"), "confirmations": json.Number("1"), "blockhash": block,
		"blockheight": json.Number("102"), "blockindex": json.Number("1")})
	if h.call("getblock", quote([]string{block})).(map[string]any)["nTx"] != json.Number("2") {
		t.Fatal("the block does not hold the payment")
	}
	// The second coinbase has matured meanwhile; what was paid and its fee are gone.
	fee := strings.TrimPrefix(string(sent["fee"].(json.Number)), "-")
	have, _ := coin.ParseAmount(fee)
	h.is((100*coin.Coin - 125*coin.Coin/100 - have).String(), "getbalance", "")
	h.balances((100*coin.Coin - 125*coin.Coin/100 - have).String(), "0.00000000", "4950.00000000")
	balances := h.call("getbalances", "").(map[string]any)
	expect(t, balances["lastprocessedblock"].(map[string]any), map[string]any{"hash": block, "height": json.Number("102")})
}

// balances checks what getbalances says is ours.
func (h *harness) balances(trusted, untrusted, immature string) {
	h.t.Helper()
	got := h.call("getbalances", "").(map[string]any)["mine"].(map[string]any)
	expect(h.t, got, map[string]any{"trusted": json.Number(trusted), "untrusted_pending": json.Number(untrusted), "immature": json.Number(immature)})
}

// stranger returns an address that the wallet has no key for.
func (h *harness) stranger() string {
	h.t.Helper()
	address, ok := h.node.Params.Address(script.PayToWitnessKeyHash([20]byte{1, 2, 3}))
	if !ok {
		h.t.Fatal("no address")
	}
	return address
}

func expect(t testing.TB, got, want map[string]any) {
	t.Helper()
	for name, value := range want {
		if got[name] != value {
			t.Fatalf("%s is %v instead of %v, in %v", name, got[name], value, got)
		}
	}
}

// TestHistoryNamesWhatHappened lists coinbases as immature and then as mature, newest last, with skip and count.
func TestHistoryNamesWhatHappened(t *testing.T) {
	h := newHarness(t)
	mine := h.call("getnewaddress", "").(string)
	h.mine("102", mine)
	lines := h.call("listtransactions", `["*",200]`).([]any)
	if len(lines) != 102 {
		t.Fatalf("%d lines instead of 102", len(lines))
	}
	expect(t, lines[0].(map[string]any), map[string]any{"category": "generate", "confirmations": json.Number("102"), "generated": true, "address": mine, "vout": json.Number("0")})
	expect(t, lines[1].(map[string]any), map[string]any{"category": "generate", "confirmations": json.Number("101")})
	expect(t, lines[2].(map[string]any), map[string]any{"category": "immature", "confirmations": json.Number("100")})
	for i, want := range []string{"50.00000000", "0.00000000"} { // confirmations 101 and 100
		expect(t, h.call("gettransaction", quote([]any{lines[i+1].(map[string]any)["txid"]})).(map[string]any), map[string]any{"amount": json.Number(want)})
	}
	expect(t, lines[101].(map[string]any), map[string]any{"category": "immature", "confirmations": json.Number("1")})
	lines = h.call("listtransactions", `{"count":2,"skip":1}`).([]any)
	if len(lines) != 2 || lines[1].(map[string]any)["confirmations"] != json.Number("2") || lines[0].(map[string]any)["confirmations"] != json.Number("3") {
		t.Fatalf("count and skip give %v", lines)
	}
	h.is("[]", "listtransactions", `["rent"]`)
}

// TestPayOneself shows a payment to an address of our own on both sides.
func TestPayOneself(t *testing.T) {
	h := newHarness(t)
	mine := h.call("getnewaddress", "").(string)
	h.mine("101", mine)
	to := h.call("getnewaddress", `["savings","bech32m"]`).(string)
	txid := h.call("sendtoaddress", `{"address":`+quote(to)+`,"amount":2,"fee_rate":1.5}`).(string)
	lines := h.call("listtransactions", `["*",2]`).([]any)
	expect(t, lines[0].(map[string]any), map[string]any{"category": "receive", "amount": json.Number("2.00000000"), "txid": txid})
	expect(t, lines[1].(map[string]any), map[string]any{"category": "send", "amount": json.Number("-2.00000000"), "address": to})
	pool := h.call("getrawmempool", "[true]").(map[string]any)[txid].(map[string]any)
	size, _ := pool["vsize"].(json.Number).Int64()
	if want := coin.Amount(2 * size).String(); string(pool["fees"].(map[string]any)["base"].(json.Number)) != want {
		t.Fatalf("fee is %v instead of %s: 1.5 is not rounded up to 2 crumbs per virtual byte", pool["fees"], want)
	}
}

// TestSendRawTransaction takes a wallet's payment out of one peer and gives it to another that shares its chain.
func TestSendRawTransaction(t *testing.T) {
	h, other := newHarness(t), newHarness(t)
	mine := h.call("getnewaddress", "").(string)
	for _, hash := range h.mine("101", mine) {
		raw := h.call("getblock", `[`+quote(hash)+`,0]`).(string)
		other.is("null", "submitblock", quote([]string{raw}))
	}
	txid := h.call("sendtoaddress", `[`+quote(other.call("getnewaddress", ""))+`,1]`).(string)
	raw := h.call("getrawtransaction", quote([]string{txid})).(string)

	other.fails(codeAddressOrKey, "No such mempool transaction. Use -txindex or provide a block hash", "getrawtransaction", quote([]string{txid}))
	other.fails(codeVerify, "Fee exceeds maximum configured by user", "sendrawtransaction", `[`+quote(raw)+`,"0.00000001"]`)
	other.is(quote(txid), "sendrawtransaction", quote([]string{raw}))
	other.is(quote(txid), "sendrawtransaction", quote([]string{raw})) // again: it is there already
	other.is(`["`+txid+`"]`, "getrawmempool", "")
	other.balances("0.00000000", "1.00000000", "0.00000000")

	spent := mutate(t, raw, func(tx *coin.Tx) { tx.In[0].Prev.Index = 7 })
	other.fails(codeVerify, "bad-txns-inputs-missingorspent", "sendrawtransaction", quote([]string{spent}))
	burning := mutate(t, raw, func(tx *coin.Tx) { tx.Out[0].Script = []byte{0x6a} })
	other.fails(codeVerify, "Unspendable output exceeds maximum", "sendrawtransaction", quote([]string{burning}))
	cheating := mutate(t, raw, func(tx *coin.Tx) { tx.Out[0].Value = 60 * coin.Coin })
	other.fails(codeRejected, "bad-txns-in-belowout", "sendrawtransaction", quote([]string{cheating}))

	block := other.mine("1", h.stranger())[0].(string)
	other.balances("1.00000000", "0.00000000", "0.00000000")
	other.fails(codeInChain, "Transaction outputs already in utxo set", "sendrawtransaction", quote([]string{raw}))
	found := other.call("getrawtransaction", `[`+quote(txid)+`,2,`+quote(block)+`]`).(map[string]any)
	expect(t, found, map[string]any{"in_active_chain": true, "txid": txid, "blockhash": block, "hex": raw, "confirmations": json.Number("1")})
	prevout := found["vin"].([]any)[0].(map[string]any)["prevout"].(map[string]any)
	expect(t, prevout, map[string]any{"generated": true, "value": json.Number("50.00000000")})
	other.fails(codeAddressOrKey, "No such transaction found in the provided block", "getrawtransaction", `[`+quote(strings.Repeat("ab", 32))+`,1,`+quote(block)+`]`)
}

func mutate(t *testing.T, raw string, change func(*coin.Tx)) string {
	t.Helper()
	b, err := hex.DecodeString(raw)
	if err != nil {
		t.Fatal(err)
	}
	tx, err := coin.ParseTx(b)
	if err != nil {
		t.Fatal(err)
	}
	tx = tx.Clone()
	change(tx)
	return hex.EncodeToString(tx.Bytes())
}

// TestSubmitBlock gives BIP 22's answer to a block of each kind.
func TestSubmitBlock(t *testing.T) {
	h := newHarness(t)
	genesis := h.node.Chain.View().Tip()
	best := h.block(genesis, 1, nil)
	h.is("null", "submitblock", blockArg(best))
	h.is(`"duplicate"`, "submitblock", blockArg(best))
	h.is(quote(best.Hash()), "getbestblockhash", "")

	side := h.block(genesis, 2, nil)
	h.is(`"inconclusive"`, "submitblock", blockArg(side))
	expect(t, h.call("getblockheader", `[`+quote(side.Hash())+`]`).(map[string]any), map[string]any{"confirmations": json.Number("-1")})

	greedy := h.block(h.node.Chain.View().Tip(), 3, func(b *coin.Block) { b.Txs[0].Out[0].Value++ })
	h.is(`"bad-cb-amount"`, "submitblock", blockArg(greedy))
	h.is(`"duplicate-invalid"`, "submitblock", blockArg(greedy))

	lost := h.block(h.node.Chain.View().Tip(), 4, func(b *coin.Block) { b.Prev = coin.Hash{1} })
	h.is(`"prev-blk-not-found"`, "submitblock", blockArg(lost))

	h.fails(codeDecode, "Block decode failed", "submitblock", `["00"]`)
	h.fails(codeDecode, "Block decode failed", "submitblock", `["zz"]`)
	empty := *best
	empty.Txs = nil
	h.fails(codeDecode, "Block does not start with a coinbase", "submitblock", blockArg(&empty))
}

// TestSubmitBlockOfOldMiner completes the coinbase of a miner that committed to witnesses and left its own out.
func TestSubmitBlockOfOldMiner(t *testing.T) {
	h := newHarness(t)
	b := h.block(h.node.Chain.View().Tip(), 1, nil)
	if _, _, ok := consensus.WitnessCommitment(b); !ok {
		t.Skip("the template commits to no witness")
	}
	coinbase := b.Txs[0].Clone()
	coinbase.In[0].Witness = nil
	b.Txs[0] = coinbase
	h.is("null", "submitblock", blockArg(b))
}

// block makes a block on parent, changes it, and finds its nonce.
func (h *harness) block(parent consensus.State, extra uint64, change func(*coin.Block)) *coin.Block {
	h.t.Helper()
	b, _, err := miner.Template(parent, nil, miner.TemplateOptions{PayTo: script.PayToWitnessKeyHash([20]byte{9}), Now: time.Now(), ExtraNonce: extra})
	if err != nil {
		h.t.Fatal(err)
	}
	if change != nil {
		b.Txs[0] = b.Txs[0].Clone()
		change(b)
		b.Merkle, _ = b.MerkleRoot()
	}
	for !coin.MeetsTarget(b.Hash(), coin.Target(b.Bits)) {
		b.Nonce++
	}
	return b
}

func blockArg(b *coin.Block) string { return quote([]string{hex.EncodeToString(b.Bytes())}) }

// TestGenerateGivesUp returns the blocks that maxtries allowed.
func TestGenerateGivesUp(t *testing.T) {
	h := newHarness(t)
	h.is("[]", "generatetoaddress", `[0,`+quote(h.stranger())+`]`)
	h.is("[]", "generatetoaddress", `[-1,`+quote(h.stranger())+`]`)
	h.is("[]", "generatetoaddress", `[5,`+quote(h.stranger())+`,0]`)
	if got := h.call("generatetoaddress", `[100,`+quote(h.stranger())+`,20]`).([]any); len(got) == 100 {
		t.Fatal("20 tries gave 100 blocks")
	}
}

// TestStop answers first and stops then.
func TestStop(t *testing.T) {
	h := newHarness(t)
	h.is(`"cheese stopping"`, "stop", "")
	select {
	case <-h.stopped:
	case <-time.After(5 * time.Second):
		t.Fatal("the node runs on")
	}
}

// TestAddNode keeps the list that addnode works on.
func TestAddNode(t *testing.T) {
	h := newHarness(t)
	const nobody = "127.0.0.1:1"
	h.is("null", "addnode", `["`+nobody+`","add"]`)
	h.fails(codeAlreadyAdded, "Error: Node already added", "addnode", `["`+nobody+`","add"]`)
	h.is("null", "addnode", `["`+nobody+`","remove"]`)
	h.fails(codeNotAdded, "It has not been added previously", "addnode", `["`+nobody+`","remove"]`)
	h.is("null", "addnode", `["`+nobody+`","onetry"]`)
	h.is("null", "addnode", `["127.0.0.1","add"]`)
	h.is("null", "addnode", `["127.0.0.1:18444","remove"]`) // the same, with regtest's port
	h.fails(codeMisc, "addnode \"node\" \"command\"", "addnode", `["`+nobody+`","often"]`)
	h.fails(codeNotConnected, "Node not found in connected nodes", "disconnectnode", `["`+nobody+`"]`)
	h.fails(codeNotConnected, "Node not found in connected nodes", "disconnectnode", `["",5]`)
	h.fails(codeInvalidParams, "Only one of address and nodeid", "disconnectnode", `["`+nobody+`",5]`)
	h.fails(codeInvalidParams, "Only one of address and nodeid", "disconnectnode", ``)
}
