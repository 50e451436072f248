package rpc

import (
	"encoding/json"
	"net"
	"strings"
	"testing"
	"time"
)

// The fields of Bitcoin Core 28's results in their order, read off the RPCHelpMan and pushKV lines of its src/rpc and
// src/wallet/rpc. A '?' follows those that are not always there; "name{…}" and "name[…]" are objects and lists.
const (
	headerFields = "hash confirmations height version versionHex merkleroot time mediantime nonce bits difficulty chainwork nTx previousblockhash? nextblockhash?"
	scriptFields = "scriptPubKey{ asm desc hex address? type }"
	inputFields  = "coinbase? txid? vout? scriptSig?{ asm hex } txinwitness? "
	txFields     = "txid hash version size vsize weight locktime vin[ " + inputFields + "sequence ] vout[ value n " + scriptFields + " ]"
	spentFields  = "txid hash version size vsize weight locktime vin[ " + inputFields + "prevout?{ generated height value " + scriptFields + " } sequence ] vout[ value n " + scriptFields + " ] fee?"
	walletFields = "confirmations generated? trusted? blockhash? blockheight? blockindex? blocktime? txid wtxid walletconflicts mempoolconflicts time timereceived bip125-replaceable"
	moveFields   = "address? category amount label? vout fee? abandoned"
	poolFields   = "vsize weight time height descendantcount descendantsize ancestorcount ancestorsize wtxid fees{ base modified ancestor descendant } depends spentby bip125-replaceable unbroadcast"
	processed    = "lastprocessedblock{ hash height }"
	peerFields   = "id addr addrbind? addrlocal? network services servicesnames relaytxes lastsend lastrecv last_transaction last_block bytessent bytesrecv conntime timeoffset pingtime? minping? pingwait? version subver inbound bip152_hb_to bip152_hb_from startingheight presynced_headers synced_headers synced_blocks inflight addr_relay_enabled addr_processed addr_rate_limited permissions minfeefilter bytessent_per_msg bytesrecv_per_msg connection_type transport_protocol_type session_id"
)

// TestFields compares the names and order of every result's fields with Core's.
func TestFields(t *testing.T) {
	h := newHarness(t)
	mine := h.call("getnewaddress", "").(string)
	h.mine("101", mine)
	txid := quote(h.call("sendtoaddress", `[`+quote(h.stranger())+`,1]`))
	waiting := h.raw("getrawmempool", `[true]`)
	raw := quote(h.call("getrawtransaction", `[`+txid+`]`))
	pending := h.raw("gettransaction", `[`+txid+`]`)
	block := quote(h.mine("1", mine)[0])
	for _, test := range []struct{ method, params, fields string }{
		{"getblockheader", `[` + block + `]`, headerFields},
		{"getblock", `[` + block + `]`, headerFields + " strippedsize size weight tx"},
		{"getblock", `[` + block + `,2]`, headerFields + " strippedsize size weight tx[ " + txFields + " fee? hex ]"},
		{"getblock", `[` + block + `,3]`, headerFields + " strippedsize size weight tx[ " + spentFields + " hex ]"},
		{"getblockchaininfo", ``, "chain blocks headers bestblockhash difficulty time mediantime verificationprogress initialblockdownload chainwork size_on_disk pruned warnings"},
		{"getmempoolinfo", ``, "loaded size bytes usage total_fee maxmempool mempoolminfee minrelaytxfee incrementalrelayfee unbroadcastcount fullrbf"},
		{"getrawmempool", `[false,true]`, "txids mempool_sequence"},
		{"gettxoutsetinfo", ``, "height bestblock txouts bogosize hash_serialized_3 total_amount transactions disk_size"},
		{"gettxoutsetinfo", `["muhash"]`, "height bestblock txouts bogosize muhash total_amount transactions disk_size"},
		{"gettxoutsetinfo", `["none"]`, "height bestblock txouts bogosize total_amount transactions disk_size"},
		{"getchaintips", ``, "[ height hash branchlen status ]"},
		{"getblocktemplate", `[{"rules":["segwit"]}]`, "capabilities version rules vbavailable{ } vbrequired previousblockhash transactions coinbaseaux{ } coinbasevalue longpollid target mintime mutable noncerange sigoplimit sizelimit weightlimit curtime bits height default_witness_commitment?"},
		{"decoderawtransaction", `[` + raw + `]`, txFields},
		{"getrawtransaction", `[` + txid + `,1,` + block + `]`, "in_active_chain? " + txFields + " fee? hex blockhash confirmations time blocktime"},
		{"getrawtransaction", `[` + txid + `,2,` + block + `]`, "in_active_chain? " + spentFields + " hex blockhash confirmations time blocktime"},
		{"getmininginfo", ``, "blocks currentblockweight? currentblocktx? difficulty networkhashps pooledtx chain warnings"},
		{"getnetworkinfo", ``, "version subversion protocolversion localservices localservicesnames localrelay timeoffset networkactive connections connections_in connections_out networks[ name limited reachable proxy proxy_randomize_credentials ] relayfee incrementalfee localaddresses warnings"},
		{"getbalances", ``, "mine{ trusted untrusted_pending immature } " + processed},
		{"listtransactions", ``, "[ address? category amount label? vout fee? abandoned " + walletFields + " ]"},
		{"gettransaction", `[` + txid + `]`, "amount fee? " + walletFields + " details[ " + moveFields + " ] hex " + processed},
		{"gettransaction", `[` + txid + `,false,true]`, "amount fee? " + walletFields + " details[ " + moveFields + " ] hex decoded{ " + txFields + " } " + processed},
		{"sendtoaddress", `{"address":` + quote(mine) + `,"amount":1,"verbose":true}`, "txid fee_reason"},
		{"validateaddress", `[` + quote(mine) + `]`, "isvalid address scriptPubKey isscript iswitness witness_version witness_program"},
		{"validateaddress", `["bcrt1x"]`, "isvalid error_locations error"},
	} {
		sameFields(t, test.method+" "+test.params, h.raw(test.method, test.params), test.fields)
	}
	entries, err := members(waiting)
	if err != nil || len(entries) != 1 {
		t.Fatalf("the pool had %s", waiting)
	}
	sameFields(t, "an entry of getrawmempool", entries[0].value, poolFields)
	sameFields(t, "a pending gettransaction", pending, "amount fee? "+walletFields+" details[ "+moveFields+" ] hex "+processed)
}

func (h *harness) raw(method, params string) json.RawMessage {
	h.t.Helper()
	raw, err := h.client.Call(h.t.Context(), method, json.RawMessage(params))
	if err != nil {
		h.t.Fatalf("%s %s: %v", method, params, err)
	}
	return raw
}

// TestPeers connects two peers and reads what each says of the other.
func TestPeers(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := listener.Addr().String()
	h, other := newHarness(t), newPeer(t, listener)
	h.mine("3", h.stranger())
	h.is("null", "addnode", `[`+quote(addr)+`,"onetry"]`)
	other.eventually(func() bool { return string(other.raw("getblockcount", "")) == "3" })
	h.is("1", "getconnectioncount", "")
	out, in := h.raw("getpeerinfo", ""), other.raw("getpeerinfo", "")
	sameFields(t, "getpeerinfo", out, "[ "+peerFields+" ]")
	there := decode(t, out).([]any)[0].(map[string]any)
	expect(t, there, map[string]any{"addr": addr, "inbound": false, "connection_type": "manual", "network": "not_publicly_routable", "services": "0000000000000009"})
	here := decode(t, in).([]any)[0].(map[string]any)
	expect(t, here, map[string]any{"inbound": true, "connection_type": "inbound"})
	info := other.call("getnetworkinfo", "").(map[string]any)
	expect(t, info, map[string]any{"connections": json.Number("1"), "connections_in": json.Number("1"), "connections_out": json.Number("0")})
	h.is("null", "disconnectnode", `[`+quote(addr)+`]`)
	other.eventually(func() bool { return string(other.raw("getconnectioncount", "")) == "0" })
}

func (h *harness) eventually(so func() bool) {
	h.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !so(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			h.t.Fatal("it does not happen")
		}
	}
}

// sameFields checks a result against a list of fields as above. A list that starts with '[' is of a list's elements.
func sameFields(t *testing.T, where string, got json.RawMessage, want string) {
	t.Helper()
	f := &fieldList{t: t, words: strings.Fields(want)}
	if f.take("[") {
		f.list(where, got)
		return
	}
	f.object(where, got)
}

type fieldList struct {
	t     *testing.T
	words []string
}

func (f *fieldList) take(word string) bool {
	if len(f.words) == 0 || f.words[0] != word {
		return false
	}
	f.words = f.words[1:]
	return true
}

// list compares each element, each from the same words, and goes past them.
func (f *fieldList) list(where string, got json.RawMessage) {
	f.t.Helper()
	var elements []json.RawMessage
	if err := json.Unmarshal(got, &elements); err != nil || len(elements) == 0 {
		f.t.Errorf("%s is no list with something in it: %s", where, got)
		return
	}
	start := f.words
	for _, e := range elements {
		f.words = start
		f.object(where, e)
	}
}

// object compares an object's members with the words up to its end, and goes past it.
func (f *fieldList) object(where string, got json.RawMessage) {
	f.t.Helper()
	fields, err := members(got)
	if err != nil {
		f.t.Fatalf("%s is no object: %s", where, got)
	}
	for len(f.words) > 0 && !f.take("}") && !f.take("]") {
		word := f.words[0]
		f.words = f.words[1:]
		name, open := strings.TrimRight(word, "{["), strings.HasSuffix(word, "{") || strings.HasSuffix(word, "[")
		name, optional := strings.CutSuffix(name, "?")
		if len(fields) == 0 || fields[0].name != name {
			if !optional {
				f.t.Errorf("%s lacks %s, or not in this place: %s", where, name, got)
			}
			if open {
				f.skip()
			}
			continue
		}
		value := fields[0].value
		fields = fields[1:]
		switch {
		case strings.HasSuffix(word, "{"):
			f.object(where+"."+name, value)
		case strings.HasSuffix(word, "["):
			f.list(where+"."+name, value)
		}
	}
	if len(fields) > 0 {
		f.t.Errorf("%s has %s, which Core has not, or elsewhere: %s", where, fields[0].name, got)
	}
}

// skip goes past an object or list that is not there.
func (f *fieldList) skip() {
	for depth := 1; depth > 0; f.words = f.words[1:] {
		switch word := f.words[0]; {
		case strings.HasSuffix(word, "{"), strings.HasSuffix(word, "["):
			depth++
		case word == "}", word == "]":
			depth--
		}
	}
}
