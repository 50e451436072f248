package rpc

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestWire sends bodies as they are and compares status and answer with Core's, byte for byte.
func TestWire(t *testing.T) {
	h := newHarness(t)
	const (
		unknown = `{"code":-32601,"message":"Method not found"}`
		parse   = `{"code":-32700,"message":"Parse error"}`
		object  = `{"code":-32600,"message":"Invalid Request object"}`
	)
	for name, test := range map[string]struct {
		body   string
		status int
		answer string
	}{
		"version 1":                    {`{"method":"getblockcount","id":"a"}`, 200, `{"result":0,"error":null,"id":"a"}`},
		"version 1.0 said":             {`{"jsonrpc":"1.0","method":"getblockcount","params":[],"id":1}`, 200, `{"result":0,"error":null,"id":1}`},
		"version 2":                    {`{"jsonrpc":"2.0","method":"getblockcount","id":[7]}`, 200, `{"jsonrpc":"2.0","result":0,"id":[7]}`},
		"no id":                        {`{"method":"getblockcount"}`, 200, `{"result":0,"error":null}`},
		"id null":                      {`{"jsonrpc":"2.0","method":"getblockcount","id":null}`, 200, `{"jsonrpc":"2.0","result":0,"id":null}`},
		"params null":                  {`{"method":"getblockcount","params":null,"id":1}`, 200, `{"result":0,"error":null,"id":1}`},
		"spaces around":                {" \n{\"method\" : \"getblockcount\", \"params\": [ ] , \"id\": 1} ", 200, `{"result":0,"error":null,"id":1}`},
		"notification":                 {`{"jsonrpc":"2.0","method":"getblockcount"}`, 204, ``},
		"notification that fails":      {`{"jsonrpc":"2.0","method":"nothing"}`, 204, ``},
		"unknown method":               {`{"method":"nothing","id":1}`, 404, `{"result":null,"error":` + unknown + `,"id":1}`},
		"unknown method, version 2":    {`{"jsonrpc":"2.0","method":"nothing","id":1}`, 200, `{"jsonrpc":"2.0","error":` + unknown + `,"id":1}`},
		"error":                        {`{"method":"getblockhash","params":[9],"id":1}`, 500, `{"result":null,"error":{"code":-8,"message":"Block height out of range"},"id":1}`},
		"error, version 2":             {`{"jsonrpc":"2.0","method":"getblockhash","params":[9],"id":1}`, 200, `{"jsonrpc":"2.0","error":{"code":-8,"message":"Block height out of range"},"id":1}`},
		"no JSON":                      {`getblockcount`, 500, `{"result":null,"error":` + parse + `,"id":null}`},
		"half JSON":                    {`{"method":"getblockcount"`, 500, `{"result":null,"error":` + parse + `,"id":null}`},
		"nothing":                      {``, 500, `{"result":null,"error":` + parse + `,"id":null}`},
		"two bodies":                   {`{"method":"getblockcount"}{}`, 500, `{"result":null,"error":` + parse + `,"id":null}`},
		"a number":                     {`5`, 500, `{"result":null,"error":{"code":-32700,"message":"Top-level object parse error"},"id":null}`},
		"no method":                    {`{"id":1}`, 400, `{"result":null,"error":{"code":-32600,"message":"Missing method"},"id":1}`},
		"method is a number":           {`{"id":1,"method":5}`, 400, `{"result":null,"error":{"code":-32600,"message":"Method must be a string"},"id":1}`},
		"params is a string":           {`{"id":1,"method":"getblockcount","params":"x"}`, 400, `{"result":null,"error":{"code":-32600,"message":"Params must be an array or object"},"id":1}`},
		"version 3":                    {`{"jsonrpc":"3.0","method":"getblockcount","id":1}`, 400, `{"result":null,"error":{"code":-32600,"message":"JSON-RPC version not supported"},"id":1}`},
		"version is a number":          {`{"jsonrpc":2,"method":"getblockcount","id":1}`, 400, `{"result":null,"error":{"code":-32600,"message":"jsonrpc field must be a string"},"id":1}`},
		"empty batch":                  {`[]`, 200, `[]`},
		"batch":                        {`[{"method":"getblockcount","id":1},{"jsonrpc":"2.0","method":"getblockcount","id":2}]`, 200, `[{"result":0,"error":null,"id":1},{"jsonrpc":"2.0","result":0,"id":2}]`},
		"batch with a bad one":         {`[{"method":"nothing","id":1},5,{"method":"getblockcount","id":2}]`, 200, `[{"result":null,"error":` + unknown + `,"id":1},{"result":null,"error":` + object + `,"id":null},{"result":0,"error":null,"id":2}]`},
		"batch with a notification":    {`[{"jsonrpc":"2.0","method":"getblockcount"},{"jsonrpc":"2.0","method":"getblockcount","id":2}]`, 200, `[{"jsonrpc":"2.0","result":0,"id":2}]`},
		"batch of notifications":       {`[{"jsonrpc":"2.0","method":"getblockcount"}]`, 204, ``},
		"first of a repeated name":     {`{"method":"getblockcount","method":"nothing","id":1}`, 200, `{"result":0,"error":null,"id":1}`},
		"deep nesting":                 {strings.Repeat("[", 100_000), 500, `{"result":null,"error":` + parse + `,"id":null}`},
		"a batch of too many requests": {"[" + strings.Repeat("1,", maxBatch) + "1]", 400, `{"result":null,"error":{"code":-32600,"message":"a batch has at most 1000 calls, not 1001"},"id":null}`},
	} {
		if status, answer := h.post(test.body); status != test.status || answer != test.answer {
			t.Errorf("%s: got %d %s; want %d %s", name, status, answer, test.status, test.answer)
		}
	}
}

// TestArguments gives methods wrong arguments and expects Core's code and words.
func TestArguments(t *testing.T) {
	h := newHarness(t)
	genesis := quote(h.node.Params.Genesis.Hash())
	none := quote(strings.Repeat("00", 32))
	for _, test := range []struct {
		method, params string
		code           int
		words          string
	}{
		{"getblockhash", `[]`, codeMisc, "getblockhash height\n"},
		{"getblockhash", `[1,2]`, codeMisc, "getblockhash height\n"},
		{"getblockhash", `["1"]`, codeType, "Wrong type passed:\n{\n    \"Position 1 (height)\": \"JSON value of type string is not of expected type number\"\n}"},
		{"getblockhash", `[null]`, codeType, "JSON value of type null is not of expected type number"},
		{"getblockhash", `[1.5]`, codeMisc, "JSON integer out of range"},
		{"getblockhash", `[99999999999]`, codeMisc, "JSON integer out of range"},
		{"getblockhash", `[-1]`, codeParameter, "Block height out of range"},
		{"getblockhash", `{"hight":1}`, codeParameter, "Unknown named parameter hight"},
		{"getblockhash", `{"height":1,"height":2}`, codeParameter, "Parameter height specified multiple times"},
		{"getblockhash", `{"height":1,"args":[1]}`, codeParameter, "Parameter height specified twice both as positional and named argument"},
		{"getblockhash", `{}`, codeMisc, "getblockhash height\n"},
		{"getblock", `["abc"]`, codeParameter, "blockhash must be of length 64 (not 3, for 'abc')"},
		{"getblock", `["` + strings.Repeat("zz", 32) + `"]`, codeParameter, "blockhash must be hexadecimal string (not 'zz"},
		{"getblock", `[` + none + `]`, codeAddressOrKey, "Block not found"},
		{"getblock", `[` + genesis + `,"1"]`, codeType, "JSON value of type string is not of expected type number"},
		{"getblock", `[5,1]`, codeType, "Position 1 (blockhash)"},
		{"getblock", `{"blockhash":` + genesis + `,"verbosity":1,"verbose":true}`, codeParameter, "Unknown named parameter verbose"},
		{"getblockheader", `[` + genesis + `,1]`, codeType, "Position 2 (verbose)"},
		{"getblockheader", `[` + none + `]`, codeAddressOrKey, "Block not found"},
		{"getrawmempool", `[true,true]`, codeParameter, "Verbose results cannot contain mempool sequence values."},
		{"getrawtransaction", `["` + h.node.Params.Genesis.Merkle.String() + `"]`, codeAddressOrKey, "The genesis block coinbase is not considered an ordinary transaction"},
		{"getrawtransaction", `["x"]`, codeParameter, "parameter 1 must be of length 64"},
		{"getrawtransaction", `[` + none + `,0,"x"]`, codeParameter, "parameter 3 must be of length 64"},
		{"getrawtransaction", `[` + none + `,0,` + none + `]`, codeAddressOrKey, "Block hash not found"},
		{"decoderawtransaction", `["00"]`, codeDecode, "TX decode failed"},
		{"decoderawtransaction", `["0x"]`, codeDecode, "TX decode failed"},
		{"sendrawtransaction", `[""]`, codeDecode, "TX decode failed. Make sure the tx has at least one input."},
		{"sendrawtransaction", `["00",1]`, codeDecode, "TX decode failed"},
		{"sendrawtransaction", `["00",null,true]`, codeType, "Amount is not a number or string"},
		{"testmempoolaccept", `[["00"],true]`, codeType, "Amount is not a number or string"},
		{"testmempoolaccept", `[["00"],1]`, codeParameter, "Fee rates larger than or equal to 1BTC/kvB are not accepted"},
		{"testmempoolaccept", `[[]]`, codeParameter, "Array must contain between 1 and 25 transactions."},
		{"testmempoolaccept", `["00"]`, codeType, "Position 1 (rawtxs)"},
		{"testmempoolaccept", `[[0]]`, codeType, "JSON value of type number is not of expected type string"},
		{"testmempoolaccept", `[["00"]]`, codeDecode, "TX decode failed: 00 Make sure the tx has at least one input."},
		{"submitpackage", `[["00"]]`, codeParameter, "Array must contain between 2 and 25 transactions."},
		{"submitpackage", `[["00","00"]]`, codeDecode, "TX decode failed: 00 Make sure the tx has at least one input."},
		{"prioritisetransaction", `[` + none + `,1,1000]`, codeParameter, "Priority is no longer supported"},
		{"prioritisetransaction", `["1",0,1000]`, codeParameter, "txid must be of length 64"},
		{"gettxoutsetinfo", `["md5"]`, codeParameter, "'md5' is not a valid hash_type"},
		{"gettxoutsetinfo", `["none",1]`, codeParameter, "Querying specific block heights requires coinstatsindex"},
		{"generatetoaddress", `[1,"nobody"]`, codeAddressOrKey, "Error: Invalid address"},
		{"generatetoaddress", `["1","nobody"]`, codeType, "Position 1 (nblocks)"},
		{"getbalance", `["all"]`, codeDeprecated, `dummy first argument must be excluded or set to "*".`},
		{"getnewaddress", `["","bech32"]`, codeKeypool, "Error: No bech32 addresses available."},
		{"getnewaddress", `["","bech33"]`, codeAddressOrKey, "Unknown address type 'bech33'"},
		{"gettransaction", `[` + none + `]`, codeAddressOrKey, "Invalid or non-wallet transaction id"},
		{"listtransactions", `["*",-1]`, codeParameter, "Negative count"},
		{"listtransactions", `["*",1,-1]`, codeParameter, "Negative from"},
		{"listtransactions", `[""]`, codeParameter, "Label argument must be a valid label name"},
		{"sendtoaddress", `["nobody",1]`, codeAddressOrKey, "Invalid Bitcoin address: nobody"},
		{"sendtoaddress", `["nobody"]`, codeMisc, `sendtoaddress "address" amount ( "comment"`},
		{"sendtoaddress", `["nobody",null]`, codeType, "Amount is not a number or string"},
		{"sendtoaddress", `["nobody","one"]`, codeType, "Invalid amount"},
		{"sendtoaddress", `["nobody",0.000000001]`, codeType, "Invalid amount"},
		{"sendtoaddress", `["nobody",-1]`, codeType, "Amount out of range"},
		{"sendtoaddress", `["nobody",21000001]`, codeType, "Amount out of range"},
		{"sendtoaddress", `[` + quote(h.stranger()) + `,1]`, codeFunds, "Insufficient funds"},
		{"sendtoaddress", `[` + quote(h.stranger()) + `,0]`, codeFunds, "Transaction amount too small"},
		{"sendtoaddress", `{"address":` + quote(h.stranger()) + `,"amount":1,"fee_rate":0}`, codeParameter, "fee_rate must be more than 0"},
		{"sendtoaddress", `{"address":` + quote(h.stranger()) + `,"amount":1,"fee_rate":1,"conf_target":6}`, codeParameter, "Cannot specify both conf_target and fee_rate"},
		{"addnode", `["127.0.0.1:1","add",true]`, codeParameter, "v2transport requested but not enabled"},
		{"uptime", `[1]`, codeMisc, "uptime\n"},
		{"nothing", `[]`, codeNoMethod, "Method not found"},
	} {
		h.fails(test.code, test.words, test.method, test.params)
	}
}

// TestNamedArguments mixes names, older names, holes and "args".
func TestNamedArguments(t *testing.T) {
	h := newHarness(t)
	genesis := h.node.Params.Genesis
	hash := quote(genesis.Hash())
	raw := h.call("getblock", `[`+hash+`,0]`)
	for _, params := range []string{
		`{"blockhash":` + hash + `,"verbosity":0}`, `{"verbosity":0,"blockhash":` + hash + `}`, `{"blockhash":` + hash + `,"verbose":false}`,
		`{"args":[` + hash + `],"verbosity":0}`, `{"args":[` + hash + `,0]}`, `[` + hash + `,false]`,
	} {
		if got := h.call("getblock", params); got != raw {
			t.Errorf("%s gives %v", params, got)
		}
	}
	h.is(`{"txids":[],"mempool_sequence":0}`, "getrawmempool", `{"mempool_sequence":true}`)
}

// TestHelp lists every method under its category and describes each.
func TestHelp(t *testing.T) {
	h := newHarness(t)
	all := h.call("help", "").(string)
	for name, m := range h.server.methods {
		if strings.Contains(all, m.synopsis()) == (m.category == hidden) {
			t.Errorf("help lists %s, or does not, against its category", name)
		}
		if text := h.call("help", quote([]string{name})).(string); !strings.HasPrefix(text, m.synopsis()+"\n") || !strings.Contains(text, "Result:") {
			t.Errorf("help of %s is %q", name, text)
		}
	}
	if !strings.HasPrefix(all, "== Blockchain ==\ngetbestblockhash\ngetblock \"blockhash\" ( verbosity )\n") || !strings.Contains(all, "\n\n== Wallet ==\n") {
		t.Errorf("help is\n%s", all)
	}
	h.is(`"help: unknown command: nothing"`, "help", `["nothing"]`)
}

// TestDoor turns away whoever has no credentials, the wrong method, or too much to say.
func TestDoor(t *testing.T) {
	h := newHarness(t)
	request := func(method, body string, auth func(*http.Request)) (int, http.Header) {
		req, err := http.NewRequestWithContext(t.Context(), method, h.url, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		auth(req)
		res, err := h.client.HTTP.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		return res.StatusCode, res.Header
	}
	as := func(user, password string) func(*http.Request) {
		return func(r *http.Request) { r.SetBasicAuth(user, password) }
	}
	good := as(testAuth.User, testAuth.Password)
	const body = `{"method":"uptime"}`
	if status, _ := request("POST", body, good); status != 200 {
		t.Errorf("good credentials get %d", status)
	}
	for name, auth := range map[string]func(*http.Request){
		"none": func(*http.Request) {}, "wrong user": as("bob", testAuth.Password), "wrong password": as(testAuth.User, "x"), "no password": as(testAuth.User, ""),
		"bearer": func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") }, "no base64": func(r *http.Request) { r.Header.Set("Authorization", "Basic ?") },
	} {
		if status, header := request("POST", body, auth); status != 401 || header.Get("WWW-Authenticate") != `Basic realm="jsonrpc"` {
			t.Errorf("%s: status %d, %v", name, status, header)
		}
	}
	if status, header := request("GET", "", good); status != 405 || header.Get("Allow") != "POST" {
		t.Errorf("GET gets %d, %v", status, header)
	}
	if status, _ := request("POST", strings.Repeat(" ", maxBody+1), good); status != 413 {
		t.Errorf("a huge body gets %d", status)
	}
	open := New(h.node, Credentials{})
	for _, password := range []string{"", "x"} {
		res, req := httptest.NewRecorder(), httptest.NewRequest("POST", "/", strings.NewReader(body))
		req.SetBasicAuth("", password)
		if open.ServeHTTP(res, req); res.Code != 401 {
			t.Errorf("a server without a password answers %d", res.Code)
		}
	}
	res := httptest.NewRecorder()
	if open.Inside().ServeHTTP(res, httptest.NewRequest("POST", "/", strings.NewReader(body))); res.Code != 200 {
		t.Errorf("inside, the answer is %d", res.Code)
	}
}

// TestGate lets so many run and wait, and no more; who goes away gives up the place.
func TestGate(t *testing.T) {
	g := gate{running: make(chan struct{}, maxRunning)}
	for range maxRunning {
		if !g.enter(t.Context()) {
			t.Fatal("an empty gate is closed")
		}
	}
	gone, leave := context.WithCancel(t.Context())
	var waiting sync.WaitGroup
	var mu sync.Mutex
	entered := 0
	for range maxWaiting + 10 {
		waiting.Go(func() {
			if g.enter(gone) {
				mu.Lock()
				entered++
				mu.Unlock()
			}
		})
	}
	deadline := time.Now().Add(5 * time.Second)
	for g.waiting.Load() < maxWaiting && time.Now().Before(deadline) {
		time.Sleep(time.Millisecond)
	}
	for range 3 {
		g.leave()
	}
	for done := false; !done && time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		mu.Lock()
		done = entered == 3
		mu.Unlock()
	}
	leave()
	waiting.Wait()
	if entered != 3 || g.waiting.Load() != 0 {
		t.Fatalf("%d entered where 3 places came free; %d wait still", entered, g.waiting.Load())
	}
}

// TestInProcess calls methods without HTTP.
func TestInProcess(t *testing.T) {
	h := newHarness(t)
	got, err := h.server.Call(t.Context(), "getblockhash", json.RawMessage(`[0]`))
	if err != nil || got != h.node.Params.Genesis.Hash() {
		t.Fatalf("got %v, %v", got, err)
	}
	for params, code := range map[string]int{`[1`: codeParse, `5`: codeInvalidRequest, `[1]`: codeParameter} {
		_, err := h.server.Call(t.Context(), "getblockhash", json.RawMessage(params))
		var e *Error
		if !errors.As(err, &e) || e.Code != code {
			t.Errorf("%s gives %v instead of code %d", params, err, code)
		}
	}
}

// TestClientSaysWhatIsWrong meets a closed port, wrong credentials, and a server of another kind.
func TestClientSaysWhatIsWrong(t *testing.T) {
	h := newHarness(t)
	other := httptest.NewServer(http.NotFoundHandler())
	url := other.URL
	odd := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write([]byte("{}")) }))
	defer odd.Close()
	for name, test := range map[string]struct {
		client *Client
		want   error
	}{
		"wrong password": {&Client{URL: h.url, User: "x", Password: "y", HTTP: h.client.HTTP}, ErrCredentials},
		"a web server":   {&Client{URL: url, HTTP: h.client.HTTP}, ErrNoRPC},
		"an odd server":  {&Client{URL: odd.URL, HTTP: h.client.HTTP}, ErrNoRPC},
	} {
		if _, err := test.client.Call(t.Context(), "uptime", nil); !errors.Is(err, test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	other.Close()
	if _, err := (&Client{URL: url, HTTP: h.client.HTTP}).Call(t.Context(), "uptime", nil); !errors.Is(err, ErrUnreachable) || !strings.Contains(err.Error(), url) {
		t.Errorf("a closed port: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.client.Call(ctx, "uptime", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("a caller who has gone: %v", err)
	}
	if _, err := h.client.Call(t.Context(), "uptime", json.RawMessage("{")); err == nil {
		t.Error("half an object passes for params")
	}
}
