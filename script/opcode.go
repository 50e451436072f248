package script

import "encoding/binary"

// The opcodes this package looks at by name. Numbers are Bitcoin's.
const (
	op0                   = 0x00
	opPushData1           = 0x4c
	opPushData2           = 0x4d
	opPushData4           = 0x4e
	op1Negate             = 0x4f
	op1                   = 0x51
	op16                  = 0x60
	opIf                  = 0x63
	opNotIf               = 0x64
	opReturn              = 0x6a
	opFromAltStack        = 0x6c
	opDup                 = 0x76
	opPick                = 0x79
	opRoll                = 0x7a
	opEqual               = 0x87
	opEqualVerify         = 0x88
	opAdd                 = 0x93
	opSub                 = 0x94
	opBoolAnd             = 0x9a
	opMax                 = 0xa4
	opWithin              = 0xa5
	opHash160             = 0xa9
	opCodeSeparator       = 0xab
	opCheckSig            = 0xac
	opCheckSigVerify      = 0xad
	opCheckMultiSig       = 0xae
	opCheckMultiSigVerify = 0xaf
	opCheckSigAdd         = 0xba
	opInvalid             = 0xff
)

// Limits of Script, as in Bitcoin Core's script.h.
const (
	maxScriptSize   = 10_000 // bytes a script may have
	maxElementSize  = 520    // bytes an element may have
	maxMultiSigKeys = 20     // keys CHECKMULTISIG takes
)

// cursor walks a script's operations.
type cursor struct {
	script []byte
	pos    int
}

func (c *cursor) done() bool { return c.pos >= len(c.script) }

// next reads an operation and what it pushes. ok is false at the end and where a push runs over it.
func (c *cursor) next() (op byte, data []byte, ok bool) {
	rest := c.script[min(c.pos, len(c.script)):]
	if len(rest) == 0 {
		return opInvalid, nil, false
	}
	op, rest = rest[0], rest[1:]
	if op > opPushData4 {
		c.pos++
		return op, nil, true
	}
	width, size := 0, uint64(op)
	switch op {
	case opPushData1:
		width = 1
	case opPushData2:
		width = 2
	case opPushData4:
		width = 4
	}
	if len(rest) < width {
		return opInvalid, nil, false
	}
	switch width {
	case 1:
		size = uint64(rest[0])
	case 2:
		size = uint64(binary.LittleEndian.Uint16(rest))
	case 4:
		size = uint64(binary.LittleEndian.Uint32(rest))
	}
	if size > uint64(len(rest)-width) {
		return opInvalid, nil, false
	}
	c.pos += 1 + width + int(size)
	return op, rest[width : width+int(size)], true
}

// IsPushOnly tells whether the script is well formed and only pushes data (OP_RESERVED counts as a push, as in Core).
func IsPushOnly(script []byte) bool {
	for c := (cursor{script: script}); !c.done(); {
		if op, _, ok := c.next(); !ok || op > op16 {
			return false
		}
	}
	return true
}

// IsUnspendable tells whether no input can ever spend the output: it starts with OP_RETURN or is over the size limit.
// Such outputs are not kept in the UTXO set.
func IsUnspendable(script []byte) bool {
	return len(script) > 0 && script[0] == opReturn || len(script) > maxScriptSize
}

// WitnessProgram returns the version (0–16) and the 2 to 40 bytes of a witness program (BIP 141).
func WitnessProgram(script []byte) (version int, program []byte, ok bool) {
	if len(script) < 4 || len(script) > 42 || int(script[1])+2 != len(script) {
		return 0, nil, false
	}
	switch op := script[0]; {
	case op == op0:
		return 0, script[2:], true
	case op >= op1 && op <= op16:
		return int(op - op1 + 1), script[2:], true
	}
	return 0, nil, false
}

func isScriptHash(script []byte) bool {
	return len(script) == 23 && script[0] == opHash160 && script[1] == 20 && script[22] == opEqual
}

func isPubKeyHash(script []byte) bool {
	return len(script) == 25 && script[0] == opDup && script[1] == opHash160 && script[2] == 20 &&
		script[23] == opEqualVerify && script[24] == opCheckSig
}

// opNames are Core's names of the operations from 0x4c on.
var opNames = [256]string{
	0x4c: "OP_PUSHDATA1", 0x4d: "OP_PUSHDATA2", 0x4e: "OP_PUSHDATA4", 0x4f: "-1", 0x50: "OP_RESERVED",
	0x51: "1", 0x52: "2", 0x53: "3", 0x54: "4", 0x55: "5", 0x56: "6", 0x57: "7", 0x58: "8", 0x59: "9",
	0x5a: "10", 0x5b: "11", 0x5c: "12", 0x5d: "13", 0x5e: "14", 0x5f: "15", 0x60: "16",

	0x61: "OP_NOP", 0x62: "OP_VER", 0x63: "OP_IF", 0x64: "OP_NOTIF", 0x65: "OP_VERIF", 0x66: "OP_VERNOTIF",
	0x67: "OP_ELSE", 0x68: "OP_ENDIF", 0x69: "OP_VERIFY", 0x6a: "OP_RETURN",

	0x6b: "OP_TOALTSTACK", 0x6c: "OP_FROMALTSTACK", 0x6d: "OP_2DROP", 0x6e: "OP_2DUP", 0x6f: "OP_3DUP",
	0x70: "OP_2OVER", 0x71: "OP_2ROT", 0x72: "OP_2SWAP", 0x73: "OP_IFDUP", 0x74: "OP_DEPTH", 0x75: "OP_DROP",
	0x76: "OP_DUP", 0x77: "OP_NIP", 0x78: "OP_OVER", 0x79: "OP_PICK", 0x7a: "OP_ROLL", 0x7b: "OP_ROT",
	0x7c: "OP_SWAP", 0x7d: "OP_TUCK",

	0x7e: "OP_CAT", 0x7f: "OP_SUBSTR", 0x80: "OP_LEFT", 0x81: "OP_RIGHT", 0x82: "OP_SIZE", 0x83: "OP_INVERT",
	0x84: "OP_AND", 0x85: "OP_OR", 0x86: "OP_XOR", 0x87: "OP_EQUAL", 0x88: "OP_EQUALVERIFY",
	0x89: "OP_RESERVED1", 0x8a: "OP_RESERVED2",

	0x8b: "OP_1ADD", 0x8c: "OP_1SUB", 0x8d: "OP_2MUL", 0x8e: "OP_2DIV", 0x8f: "OP_NEGATE", 0x90: "OP_ABS",
	0x91: "OP_NOT", 0x92: "OP_0NOTEQUAL", 0x93: "OP_ADD", 0x94: "OP_SUB", 0x95: "OP_MUL", 0x96: "OP_DIV",
	0x97: "OP_MOD", 0x98: "OP_LSHIFT", 0x99: "OP_RSHIFT", 0x9a: "OP_BOOLAND", 0x9b: "OP_BOOLOR",
	0x9c: "OP_NUMEQUAL", 0x9d: "OP_NUMEQUALVERIFY", 0x9e: "OP_NUMNOTEQUAL", 0x9f: "OP_LESSTHAN",
	0xa0: "OP_GREATERTHAN", 0xa1: "OP_LESSTHANOREQUAL", 0xa2: "OP_GREATERTHANOREQUAL", 0xa3: "OP_MIN",
	0xa4: "OP_MAX", 0xa5: "OP_WITHIN",

	0xa6: "OP_RIPEMD160", 0xa7: "OP_SHA1", 0xa8: "OP_SHA256", 0xa9: "OP_HASH160", 0xaa: "OP_HASH256",
	0xab: "OP_CODESEPARATOR", 0xac: "OP_CHECKSIG", 0xad: "OP_CHECKSIGVERIFY", 0xae: "OP_CHECKMULTISIG",
	0xaf: "OP_CHECKMULTISIGVERIFY",

	0xb0: "OP_NOP1", 0xb1: "OP_CHECKLOCKTIMEVERIFY", 0xb2: "OP_CHECKSEQUENCEVERIFY", 0xb3: "OP_NOP4",
	0xb4: "OP_NOP5", 0xb5: "OP_NOP6", 0xb6: "OP_NOP7", 0xb7: "OP_NOP8", 0xb8: "OP_NOP9", 0xb9: "OP_NOP10",
	0xba: "OP_CHECKSIGADD", 0xff: "OP_INVALIDOPCODE",
}
