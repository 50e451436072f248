package rpc

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// synopsis returns the method's name and arguments in one line: strings in quotes, optional ones in parentheses.
func (m *method) synopsis() string {
	var b strings.Builder
	b.WriteString(m.name)
	optional := false
	for _, a := range m.args {
		if a.hidden {
			continue
		}
		if a.optional != optional {
			b.WriteString(map[bool]string{true: " (", false: " )"}[a.optional])
			optional = a.optional
		}
		name := a.names()[0]
		if a.kind == text {
			name = `"` + name + `"`
		}
		b.WriteString(" " + name)
	}
	if optional {
		b.WriteString(" )")
	}
	return b.String()
}

// names returns the argument's name and its older ones.
func (a *arg) names() []string { return strings.Split(a.name, "|") }

// describe returns the method's whole help text.
func (m *method) describe() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n%s\n", m.synopsis(), m.help)
	first := true
	for i, a := range m.args {
		if a.hidden {
			continue
		}
		if first {
			b.WriteString("\nArguments:\n")
			first = false
		}
		need := "required"
		if a.optional {
			need = "optional"
		}
		if a.standard != "" {
			need += ", default=" + a.standard
		}
		fmt.Fprintf(&b, "%d. %s (%s, %s) %s\n", i+1, a.names()[0], kindWords[a.kind], need, a.help)
	}
	fmt.Fprintf(&b, "\nResult:\n%s", m.result)
	return b.String()
}

// list returns every method's synopsis under its category.
func (s *Server) list() string {
	all := slices.SortedFunc(maps.Values(s.methods), func(a, b *method) int {
		return cmp.Or(cmp.Compare(a.category, b.category), cmp.Compare(a.name, b.name))
	})
	var b strings.Builder
	category := ""
	for _, m := range all {
		if m.category == hidden {
			continue
		}
		if m.category != category {
			if category != "" {
				b.WriteString("\n")
			}
			category = m.category
			b.WriteString("== " + category + " ==\n")
		}
		b.WriteString(m.synopsis() + "\n")
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func help(c *call) (any, error) {
	name := c.text(0)
	switch m, ok := c.server.methods[name]; {
	case c.err != nil:
		return nil, c.err
	case ok:
		return m.describe(), nil
	case name == "":
		return c.server.list(), nil
	}
	return "help: unknown command: " + clip(name), nil
}
