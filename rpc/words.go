package rpc

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// WordError says that a word of the command line cannot be the argument in its place.
type WordError struct {
	Method   string
	Argument string // its name, or "argument 3" where the method has none in that place
	Word     string
	Want     string // what it should have been
}

func (e *WordError) Error() string {
	return fmt.Sprintf("%s: %s must be %s, not %q", e.Method, e.Argument, e.Want, clip(e.Word))
}

// ParseArgs converts words of the command line to a method's arguments by position: a word as it is where the method
// takes a string, and JSON where it takes anything else. A word for a method or place that is not known stays a string:
// the server says what is wrong with it. Errors are *WordError.
func ParseArgs(method string, args []string) (json.RawMessage, error) {
	m := methods()[method]
	list := make([]json.RawMessage, len(args))
	for i, word := range args {
		a := &arg{name: fmt.Sprintf("argument %d", i+1)}
		if m != nil && i < len(m.args) {
			a = &m.args[i]
		}
		var err error
		if list[i], err = a.parse(method, word); err != nil {
			return nil, err
		}
	}
	return encode(list)
}

// ParseNamedArgs is ParseArgs for words of the form name=value. Words without '=' are arguments by position; of a name
// given twice the last value counts.
func ParseNamedArgs(method string, args []string) (json.RawMessage, error) {
	m := methods()[method]
	var leading []string
	named := map[string]json.RawMessage{}
	for _, word := range args {
		name, value, ok := strings.Cut(word, "=")
		if !ok {
			leading = append(leading, word)
			continue
		}
		var err error
		if named[name], err = m.named(name).parse(method, value); err != nil {
			return nil, err
		}
	}
	if leading != nil {
		list, err := ParseArgs(method, leading)
		if err != nil {
			return nil, err
		}
		named["args"] = list
	}
	return encode(named)
}

// named returns the argument of that name, or a string of that name where there is none.
func (m *method) named(name string) *arg {
	if m != nil {
		for i := range m.args {
			for _, known := range m.args[i].names() {
				if known == name {
					return &m.args[i]
				}
			}
		}
	}
	return &arg{name: name}
}

// words says what kinds other than text take: JSON of these types, null aside, and how to say so.
var words = map[kind]struct {
	types []string
	want  string
}{
	number:  {[]string{"number"}, "a number"},
	boolean: {[]string{"bool"}, "true or false"},
	money:   {[]string{"number", "string"}, "an amount such as 1.25"},
	level:   {[]string{"number", "bool"}, "a number, or true or false"},
	list:    {[]string{"array"}, `a JSON array such as ["…"]`},
	object:  {[]string{"object"}, `a JSON object such as {"rules": ["segwit"]}`},
	either:  {[]string{"number", "string"}, "a number or a string in quotes"},
}

// parse converts a word to JSON.
func (a *arg) parse(method, word string) (json.RawMessage, error) {
	refused := &WordError{Method: method, Argument: a.names()[0], Word: word}
	if a.kind == text {
		if !utf8.ValidString(word) {
			refused.Want = "text in UTF-8"
			return nil, refused
		}
		return encode(word)
	}
	takes := words[a.kind]
	value := json.RawMessage(strings.TrimSpace(word))
	if json.Valid(value) && (!isSet(value) || slices.Contains(takes.types, typeName(value))) {
		return value, nil
	}
	refused.Want = takes.want
	return nil, refused
}
