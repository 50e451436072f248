package p2p

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"cheese/p2p/msg"
)

// maxName bounds a name in bytes.
const maxName = 40

// UserAgent returns the BIP 14 user agent of a cheese peer of that name: "/cheese:0.1.0(Peer1)/".
func UserAgent(version, name string) string {
	agent := "/cheese:" + cleanName(version)
	if name = cleanName(name); name != "" {
		agent += "(" + name + ")"
	}
	return agent + "/"
}

// agentName returns the first comment of a user agent, "" where it has none. It is a claim: anyone can take any name.
func agentName(agent string) string {
	_, rest, ok := strings.Cut(agent, "(")
	if !ok {
		return ""
	}
	name, _, ok := strings.Cut(rest, ")")
	if !ok {
		return ""
	}
	name, _, _ = strings.Cut(name, ";") // BIP 14 separates comments by "; "
	return cleanName(name)
}

// cleanName makes a name fit for a BIP 14 comment: printable, without the characters that have a meaning there, and
// no longer than maxName.
func cleanName(s string) string {
	s = strings.Map(func(r rune) rune {
		if strings.ContainsRune("/:();", r) {
			return -1
		}
		return r
	}, printable(s))
	if len(s) > maxName {
		cut := maxName
		for cut > 0 && !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = s[:cut]
	}
	return strings.TrimSpace(s)
}

// printable drops from a stranger's text what could garble a terminal or a page: control characters, formatting that
// reverses text, and broken UTF-8.
func printable(s string) string {
	if len(s) > msg.MaxAgent {
		s = s[:msg.MaxAgent]
	}
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, s)
}
