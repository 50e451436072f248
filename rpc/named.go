package rpc

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// member is one "name": value of a JSON object.
type member struct {
	name  string
	value json.RawMessage
}

// members returns an object's members in order, repeated names included, which encoding/json would merge.
func members(object json.RawMessage) ([]member, error) {
	d := json.NewDecoder(bytes.NewReader(object))
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	var list []member
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, err
		}
		m := member{name: name.(string)} // a decoder gives nothing else in this place
		if err := d.Decode(&m.value); err != nil {
			return nil, err
		}
		list = append(list, m)
	}
	_, err := d.Token()
	return list, err
}

// byPosition puts named arguments into the method's order, with nulls for those left out in between. The name "args"
// holds a list of the first arguments by position, as Core allows.
func (m *method) byPosition(named []member) ([]json.RawMessage, error) {
	given := map[string]json.RawMessage{}
	for _, n := range named {
		if _, twice := given[n.name]; twice {
			return nil, errorf(codeParameter, "Parameter %s specified multiple times", clip(n.name))
		}
		given[n.name] = n.value
	}
	var list []json.RawMessage
	first := len(m.args) // of those named
	for i, a := range m.args {
		for name := range strings.SplitSeq(a.name, "|") {
			if value, ok := given[name]; ok {
				list = append(list, slices.Repeat([]json.RawMessage{json.RawMessage("null")}, i-len(list))...)
				list = append(list, value)
				delete(given, name)
				first = min(first, i)
				break
			}
		}
	}
	if args, ok := given["args"]; ok && typeName(args) == "array" {
		delete(given, "args")
		var leading []json.RawMessage
		if err := json.Unmarshal(args, &leading); err != nil {
			return nil, errorf(codeParse, "Parse error")
		}
		if len(leading) > first {
			return nil, errorf(codeParameter, "Parameter %s specified twice both as positional and named argument", m.args[first].name)
		}
		if len(list) > len(leading) {
			leading = append(leading, list[len(leading):]...)
		}
		list = leading
	}
	for _, n := range named {
		if _, left := given[n.name]; left {
			return nil, errorf(codeParameter, "Unknown named parameter %s", clip(n.name))
		}
	}
	return list, nil
}
