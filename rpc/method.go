package rpc

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"

	"cheese/coin"
	"cheese/node"
)

// kind is what a method takes as an argument.
type kind int

const (
	text    kind = iota // a JSON string
	number              // a JSON integer
	boolean             // true or false
	money               // a JSON number or a string, exact to eight decimals
	level               // a number, or a boolean in its older form
	list                // a JSON array
	object              // a JSON object
	either              // a JSON string or number
)

// kindWords describe the kinds in help texts.
var kindWords = [...]string{"string", "numeric", "boolean", "numeric or string", "numeric or boolean", "json array", "json object", "string or numeric"}

// arg is one argument of a method.
type arg struct {
	name     string // and its older names, separated by '|'
	kind     kind
	optional bool
	standard string // what an optional one is when it is left out; may be empty
	hidden   bool   // not in help
	help     string
}

// method is one line of the table.
type method struct {
	name     string
	category string
	args     []arg
	help     string
	result   string // what it returns, for help
	run      func(*call) (any, error)
}

// required returns how many arguments must be there at least.
func (m *method) required() int {
	n := 0
	for i, a := range m.args {
		if !a.optional {
			n = i + 1
		}
	}
	return n
}

// call is one call of a method. Its accessors read the arguments and remember the first that is bad, so that a method
// reads all of them and then asks for err once.
type call struct {
	ctx    context.Context
	server *Server
	node   *node.Node
	method *method
	params []json.RawMessage // one for each argument of the method; nil: left out
	err    error
	after  func() // run once the caller has the answer
}

func (c *call) fail(err error) {
	if c.err == nil {
		c.err = err
	}
}

// has tells whether argument i was given and is not null.
func (c *call) has(i int) bool { return isSet(c.params[i]) }

func isSet(p json.RawMessage) bool { return len(p) > 0 && p[0] != 'n' }

// text returns argument i, or "" where it was left out.
func (c *call) text(i int) (s string) {
	if c.has(i) && json.Unmarshal(c.params[i], &s) != nil {
		c.fail(wrongType(c.params[i], "string"))
	}
	return s
}

// integer returns argument i, or standard where it was left out.
func (c *call) integer(i int, standard int) int { return int(c.bits(i, int64(standard), 32)) }

// long is integer for what needs 64 bits.
func (c *call) long(i int, standard int64) int64 { return c.bits(i, standard, 64) }

func (c *call) bits(i int, standard int64, size int) int64 {
	if !c.has(i) {
		return standard
	}
	if typeName(c.params[i]) != "number" {
		c.fail(wrongType(c.params[i], "number"))
		return standard
	}
	n, err := strconv.ParseInt(string(c.params[i]), 10, size)
	if err != nil {
		c.fail(errorf(codeMisc, "JSON integer out of range"))
	}
	return n
}

// texts returns argument i, an array of strings.
func (c *call) texts(i int) []string {
	var elements []json.RawMessage
	if json.Unmarshal(c.params[i], &elements) != nil {
		c.fail(wrongType(c.params[i], "array"))
		return nil
	}
	words := make([]string, len(elements))
	for n, e := range elements {
		if json.Unmarshal(e, &words[n]) != nil || !isSet(e) {
			c.fail(wrongType(e, "string"))
		}
	}
	return words
}

// boolean returns argument i, or standard where it was left out.
func (c *call) boolean(i int, standard bool) bool {
	if c.has(i) && json.Unmarshal(c.params[i], &standard) != nil {
		c.fail(wrongType(c.params[i], "bool"))
	}
	return standard
}

// level returns argument i, which may be a boolean, or standard where it was left out.
func (c *call) level(i int, standard int) int {
	switch string(c.params[i]) {
	case "true":
		return 1
	case "false":
		return 0
	}
	return c.integer(i, standard)
}

// money returns argument i in crumbs, or standard where it was left out.
func (c *call) money(i int, standard coin.Amount) coin.Amount {
	if !c.has(i) && c.method.args[i].optional {
		return standard
	}
	n, err := fixedPoint(c.params[i], 8)
	if err == nil && !coin.Amount(n).InRange() {
		err = errorf(codeType, "Amount out of range")
	}
	if err != nil {
		c.fail(err)
	}
	return coin.Amount(n)
}

// fixedPoint reads a number or a string as a multiple of 10^-decimals.
func fixedPoint(p json.RawMessage, decimals int) (int64, error) {
	s := string(p)
	switch typeName(p) {
	case "string":
		if err := json.Unmarshal(p, &s); err != nil {
			return 0, errorf(codeType, "Invalid amount")
		}
	case "number":
	default:
		return 0, errorf(codeType, "Amount is not a number or string")
	}
	n, ok := parseFixed(s, decimals)
	if !ok {
		return 0, errorf(codeType, "Invalid amount")
	}
	return n, nil
}

// hash returns argument i, which errors call name.
func (c *call) hash(i int, name string) coin.Hash {
	s := c.text(i)
	if c.err != nil {
		return coin.Hash{}
	}
	if len(s) != 64 {
		c.fail(errorf(codeParameter, "%s must be of length 64 (not %d, for '%s')", name, len(s), clip(s)))
		return coin.Hash{}
	}
	h, err := coin.ParseHash(s)
	if err != nil {
		c.fail(errorf(codeParameter, "%s must be hexadecimal string (not '%s')", name, clip(s)))
	}
	return h
}

// bytes returns argument i, hexadecimal digits; words is what its absence or malformation is answered with.
func (c *call) bytes(i int, words string) []byte {
	b, err := hex.DecodeString(c.text(i))
	if err != nil || len(b) == 0 {
		c.fail(errorf(codeDecode, "%s", words))
	}
	return b
}

// clip bounds how much of an argument an error repeats.
func clip(s string) string {
	const most = 200
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}

// typeName returns Core's name of a JSON value's type. An absent value is null.
func typeName(p json.RawMessage) string {
	if len(p) == 0 {
		return "null"
	}
	switch p[0] {
	case 'n':
		return "null"
	case 't', 'f':
		return "bool"
	case '{':
		return "object"
	case '[':
		return "array"
	case '"':
		return "string"
	}
	return "number"
}

func mismatch(p json.RawMessage, want string) string {
	return "JSON value of type " + typeName(p) + " is not of expected type " + want
}

func wrongType(p json.RawMessage, want string) error {
	return errorf(codeType, "%s", mismatch(p, want))
}

// expected returns the type that is checked before the method sees an argument; "" where the method does so itself.
func (k kind) expected() string {
	switch k {
	case text:
		return "string"
	case number:
		return "number"
	case boolean:
		return "bool"
	case list:
		return "array"
	case object:
		return "object"
	}
	return ""
}

// checkTypes returns Core's error that names every argument of the wrong type.
func (m *method) checkTypes(params []json.RawMessage) error {
	var wrong []string
	for i, a := range m.args {
		want := a.kind.expected()
		if want == "" || a.optional && !isSet(params[i]) || typeName(params[i]) == want {
			continue
		}
		line, _ := json.Marshal(mismatch(params[i], want))
		wrong = append(wrong, "    \"Position "+strconv.Itoa(i+1)+" ("+a.name+")\": "+string(line))
	}
	if wrong == nil {
		return nil
	}
	return errorf(codeType, "Wrong type passed:\n{\n%s\n}", strings.Join(wrong, ",\n"))
}

// execute runs a method. after, where not nil, is to be run once the caller has the answer.
func (s *Server) execute(ctx context.Context, name string, params json.RawMessage) (result any, after func(), err error) {
	m, ok := s.methods[name]
	if !ok {
		return nil, nil, errorf(codeNoMethod, "Method not found")
	}
	list, err := m.arguments(params)
	if err != nil {
		return nil, nil, err
	}
	if len(list) < m.required() || len(list) > len(m.args) {
		return nil, nil, errorf(codeMisc, "%s", m.describe())
	}
	for len(list) < len(m.args) {
		list = append(list, nil)
	}
	if err := m.checkTypes(list); err != nil {
		return nil, nil, err
	}
	if m.category == inWallet && s.node.Wallet == nil {
		return nil, nil, errorf(codeNoWallet, "No wallet is loaded, and this peer cannot load one: it was started without")
	}
	c := &call{ctx: ctx, server: s, node: s.node, method: m, params: list}
	result, err = m.run(c)
	return result, c.after, err
}

// arguments returns params by position, whether they came as an array, as an object or not at all.
func (m *method) arguments(params json.RawMessage) (list []json.RawMessage, err error) {
	params = bytes.TrimSpace(params)
	if typeName(params) == "object" {
		named, err := members(params)
		if err != nil {
			return nil, errorf(codeParse, "Parse error")
		}
		return m.byPosition(named)
	}
	switch {
	case !isSet(params):
		return nil, nil
	case typeName(params) != "array":
		return nil, errorf(codeInvalidRequest, "Params must be an array or object")
	case json.Unmarshal(params, &list) != nil:
		return nil, errorf(codeParse, "Parse error")
	}
	return list, nil
}
