package script

import (
	"encoding/hex"
	"strconv"
	"strings"
)

// Disassemble returns the script in the form of Bitcoin Core's "asm" fields: operations by name, pushes of up to four
// bytes as numbers and longer ones as hexadecimal, "[error]" where a push runs over the end.
func Disassemble(script []byte) string { return disassemble(script, false) }

// DisassembleInput is Disassemble for input scripts: whatever looks like an ECDSA signature shows its hash type in
// words, as in "…[ALL]".
func DisassembleInput(script []byte) string { return disassemble(script, !IsUnspendable(script)) }

func disassemble(script []byte, signatures bool) string {
	var b strings.Builder
	for c := (cursor{script: script}); !c.done(); {
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		op, data, ok := c.next()
		switch {
		case !ok:
			b.WriteString("[error]")
			return b.String()
		case op > opPushData4:
			b.WriteString(opName(op))
		case len(data) <= 4:
			b.WriteString(strconv.Itoa(clampInt32(decodeNumber(data))))
		case signatures:
			writeSignature(&b, data)
		default:
			b.WriteString(hex.EncodeToString(data))
		}
	}
	return b.String()
}

// hashTypeNames are the defined ECDSA hash types.
var hashTypeNames = map[byte]string{
	0x01: "[ALL]", 0x02: "[NONE]", 0x03: "[SINGLE]",
	0x81: "[ALL|ANYONECANPAY]", 0x82: "[NONE|ANYONECANPAY]", 0x83: "[SINGLE|ANYONECANPAY]",
}

func writeSignature(b *strings.Builder, data []byte) {
	name := ""
	if isStrictDER(data) {
		name = hashTypeNames[data[len(data)-1]]
	}
	if name != "" {
		data = data[:len(data)-1]
	}
	b.WriteString(hex.EncodeToString(data))
	b.WriteString(name)
}

func opName(op byte) string {
	if name := opNames[op]; name != "" {
		return name
	}
	return "OP_UNKNOWN"
}

// decodeNumber reads a script number: little-endian, the top bit of the last byte being the sign. At most eight bytes.
func decodeNumber(b []byte) int64 {
	if len(b) == 0 {
		return 0
	}
	var n int64
	for i, v := range b {
		n |= int64(v) << (8 * i)
	}
	if sign := int64(0x80) << (8 * (len(b) - 1)); n&sign != 0 {
		return -(n &^ sign)
	}
	return n
}

func clampInt32(n int64) int { return int(max(-1<<31, min(n, 1<<31-1))) }
