package rpc

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

// TestParseArgs turns words of a command line into JSON by the table.
func TestParseArgs(t *testing.T) {
	for _, test := range []struct{ line, want string }{
		{"getblockcount", `[]`},
		{"getblockhash 5", `[5]`},
		{"getblock 00ff 2", `["00ff",2]`},
		{"getblock 00ff true", `["00ff",true]`},
		{"getblock 5 null", `["5",null]`},
		{"sendtoaddress bcrt1x 0.10", `["bcrt1x",0.10]`},
		{`sendtoaddress bcrt1x "0.10"`, `["bcrt1x","0.10"]`},
		{"sendtoaddress bcrt1x 1 <&> to true", `["bcrt1x",1,"<&>","to",true]`},
		{"listtransactions * 10", `["*",10]`},
		{"nothing 5 true", `["5","true"]`},
		{"getblockhash 5 6", `[5,"6"]`},
		{"named getblock blockhash=00ff verbosity=0", `{"blockhash":"00ff","verbosity":0}`},
		{"named getblock 00ff verbose=false", `{"args":["00ff"],"verbose":false}`},
		{"named getblock a=b=c", `{"a":"b=c"}`},
		{"named getblockcount", `{}`},
	} {
		words := strings.Fields(test.line)
		parse := ParseArgs
		if words[0] == "named" {
			words, parse = words[1:], ParseNamedArgs
		}
		if got, err := parse(words[0], words[1:]); err != nil || string(got) != test.want {
			t.Errorf("%s: got %s, %v; want %s", test.line, got, err, test.want)
		}
	}
}

// TestParseArgsRefuses names the argument and what it should have been.
func TestParseArgsRefuses(t *testing.T) {
	for _, test := range []struct {
		method string
		args   []string
		want   string
	}{
		{"getblockhash", []string{"five"}, `getblockhash: height must be a number, not "five"`},
		{"getblockhash", []string{"05"}, `getblockhash: height must be a number, not "05"`},
		{"getblockhash", []string{""}, `getblockhash: height must be a number, not ""`},
		{"getblockheader", []string{"00", "yes"}, `getblockheader: verbose must be true or false, not "yes"`},
		{"getblock", []string{"00", "[1]"}, `getblock: verbosity must be a number, or true or false, not "[1]"`},
		{"sendtoaddress", []string{"x", "1,5"}, `sendtoaddress: amount must be an amount such as 1.25, not "1,5"`},
		{"help", []string{"\xff"}, `help: command must be text in UTF-8, not "\xff"`},
	} {
		_, err := ParseArgs(test.method, test.args)
		var bad *WordError
		if !errors.As(err, &bad) || err.Error() != test.want {
			t.Errorf("%s %q: %v", test.method, test.args, err)
		}
	}
	if _, err := ParseNamedArgs("getblock", []string{"verbosity=x"}); err == nil {
		t.Error("verbosity=x passes")
	}
	if _, err := ParseNamedArgs("getblock", []string{"\xff=x"}); err != nil {
		t.Errorf("an odd name is the server's to refuse: %v", err)
	}
}

// FuzzParseArgs feeds words to every method: what comes out is JSON of one element a word.
func FuzzParseArgs(f *testing.F) {
	f.Add("getblock", "00ff", "2")
	f.Add("sendtoaddress", "verbose=true", "0.1")
	f.Add("nothing", "args=[1]", "\xff")
	f.Fuzz(func(t *testing.T, method, a, b string) {
		if got, err := ParseArgs(method, []string{a, b}); err == nil {
			var list []json.RawMessage
			if json.Unmarshal(got, &list) != nil || len(list) != 2 {
				t.Fatalf("%q %q %q gives %s", method, a, b, got)
			}
		}
		if got, err := ParseNamedArgs(method, []string{a, b}); err == nil {
			if _, err := members(got); err != nil {
				t.Fatalf("%q %q %q gives %s", method, a, b, got)
			}
		}
	})
}
