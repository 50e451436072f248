package coin

import (
	"fmt"
	"slices"
	"strings"

	"github.com/btcsuite/btcd/address/v2/base58"
)

// Opcodes of the standard output scripts.
const (
	op0           = 0x00
	op1           = 0x51
	op16          = 0x60
	opDup         = 0x76
	opEqual       = 0x87
	opEqualVerify = 0x88
	opHash160     = 0xa9
	opCheckSig    = 0xac
)

// Sizes in bytes of what a witness output commits to (BIP 141).
const (
	minProgram        = 2
	maxProgram        = 40
	keyHashSize       = 20
	witnessScriptHash = 32
)

// maxWitnessVersion is the last witness version there is an opcode for.
const maxWitnessVersion = 16

// maxAddress is how many characters of a would-be address are looked at.
const maxAddress = 1000

// AddressError says why a string is not an address of the network.
type AddressError struct {
	Reason    string // Bitcoin Core's words, as its validateaddress has them
	Detail    string // the same for a person
	Positions []int  // of the characters that are wrong or likely to be, counted in bytes from 0; may be empty
}

// Error returns the detail.
func (e *AddressError) Error() string { return "not an address: " + e.Detail }

// Address returns the text form of an output script: base58check for P2PKH and P2SH, bech32 for witness version 0,
// and bech32m for the later ones (BIP 350). It returns false for scripts that have none.
func (p *Params) Address(script []byte) (string, bool) {
	n := len(script)
	switch {
	case n == 25 && script[0] == opDup && script[1] == opHash160 && script[2] == keyHashSize && script[23] == opEqualVerify && script[24] == opCheckSig:
		return base58.CheckEncode(script[3:23], p.PubKeyPrefix), true
	case n == 23 && script[0] == opHash160 && script[1] == keyHashSize && script[22] == opEqual:
		return base58.CheckEncode(script[2:22], p.ScriptPrefix), true
	}
	version, program, ok := witnessProgram(script)
	if !ok || version == 0 && len(program) != keyHashSize && len(program) != witnessScriptHash {
		return "", false
	}
	groups, _ := regroup(program, 8, 5, true)
	return encodeBech32(p.HRP, append([]byte{byte(version)}, groups...), checksumOf(version)), true
}

// witnessProgram splits the script of a witness output (BIP 141).
func witnessProgram(script []byte) (version int, program []byte, ok bool) {
	n := len(script)
	if n < 2+minProgram || n > 2+maxProgram || int(script[1]) != n-2 {
		return 0, nil, false
	}
	switch op := script[0]; {
	case op == op0:
		return 0, script[2:], true
	case op >= op1 && op <= op16:
		return int(op-op1) + 1, script[2:], true
	}
	return 0, nil, false
}

// checksumOf returns the checksum constant of a witness version (BIP 350).
func checksumOf(version int) uint32 {
	if version == 0 {
		return bech32Const
	}
	return bech32mConst
}

// ParseAddress returns the output script that an address stands for. The error is an *AddressError.
func (p *Params) ParseAddress(s string) ([]byte, error) {
	switch {
	case s == "":
		return nil, &AddressError{Reason: reasonNeither, Detail: "it is empty"}
	case len(s) > maxAddress:
		return nil, &AddressError{Reason: reasonNeither, Detail: fmt.Sprintf("it has %d characters", len(s))}
	}
	script, err := p.parseBase58(s)
	if err == nil {
		return script, nil
	}
	if strings.HasPrefix(strings.ToLower(s), p.HRP) {
		return p.parseWitness(s)
	}
	if t, e := splitBech32(s, maxBech32); e == nil && isBech32Sum(t.residue()) {
		return nil, &AddressError{Reason: reasonNeither, Detail: p.foreign(t.hrp)}
	}
	return nil, err
}

// Core's words for what is neither of the encodings, and for base58 text that is no address.
const (
	reasonNeither = "Invalid or unsupported Segwit (Bech32) or Base58 encoding."
	reasonBase58  = "Invalid checksum or length of Base58 address (P2PKH or P2SH)"
)

// foreign says whose a bech32 address is that is not of this network.
func (p *Params) foreign(hrp string) string {
	return fmt.Sprintf("it belongs to %s; addresses of %s start with %q", networkOf(hrp), p.Name, p.HRP+"1")
}

// parseWitness reads a bech32 address, under our own prefix.
func (p *Params) parseWitness(s string) ([]byte, error) {
	t, err := splitBech32(s, max(maxBech32, len(p.HRP)+1+1+(maxProgram*8+4)/5+bech32Sum))
	if err != nil {
		return nil, err
	}
	sum := t.residue()
	if !isBech32Sum(sum) {
		return nil, checksumError(t)
	}
	data := t.groups[:len(t.groups)-bech32Sum]
	switch {
	case len(data) == 0:
		return nil, &AddressError{Reason: "Empty Bech32 data section", Detail: "there is nothing between prefix and checksum"}
	case t.hrp != p.HRP:
		return nil, &AddressError{Reason: fmt.Sprintf("Invalid or unsupported prefix for Segwit (Bech32) address (expected %s, got %s).", p.HRP, t.hrp),
			Detail: p.foreign(t.hrp)}
	}
	version := int(data[0])
	if sum != checksumOf(version) {
		if version == 0 {
			return nil, &AddressError{Reason: "Version 0 witness address must use Bech32 checksum", Detail: "witness version 0 with the checksum of later ones (BIP 350)"}
		}
		return nil, &AddressError{Reason: "Version 1+ witness address must use Bech32m checksum", Detail: "a witness version above 0 with the checksum of version 0 (BIP 350)"}
	}
	program, ok := regroup(data[1:], 5, 8, false)
	if !ok {
		return nil, &AddressError{Reason: "Invalid padding in Bech32 data section", Detail: "its length does not come out at whole bytes"}
	}
	return witnessScript(version, program)
}

// witnessScript returns the output script, where there is a meaning to that version and size.
func witnessScript(version int, program []byte) ([]byte, error) {
	n := len(program)
	unit := "bytes"
	if n == 1 {
		unit = "byte"
	}
	switch {
	case version == 0 && n != keyHashSize && n != witnessScriptHash:
		return nil, &AddressError{Reason: fmt.Sprintf("Invalid Bech32 v0 address program size (%d %s), per BIP141", n, unit),
			Detail: fmt.Sprintf("witness version 0 has 20 or 32 bytes, not %d", n)}
	case version > maxWitnessVersion:
		return nil, &AddressError{Reason: "Invalid Bech32 address witness version", Detail: fmt.Sprintf("there is no witness version %d", version)}
	case n < minProgram || n > maxProgram:
		return nil, &AddressError{Reason: fmt.Sprintf("Invalid Bech32 address program size (%d %s)", n, unit),
			Detail: fmt.Sprintf("a witness program has 2 to 40 bytes, not %d", n)}
	}
	op := byte(op0)
	if version > 0 {
		op = byte(op1 + version - 1)
	}
	return append([]byte{op, byte(n)}, program...), nil
}

func isBech32Sum(residue uint32) bool { return residue == bech32Const || residue == bech32mConst }

// checksumError points at the characters that are likely wrong. What they should be is left to the person: a wrong
// guess could pay a stranger.
func checksumError(t bech32Text) error {
	at, constant := t.locate()
	e := &AddressError{Reason: "Invalid checksum", Detail: "its checksum is wrong, so some characters are", Positions: at}
	switch {
	case len(at) == 0:
		return e
	case constant == bech32Const:
		e.Reason = "Invalid Bech32 checksum"
	default:
		e.Reason = "Invalid Bech32m checksum"
	}
	e.Detail = "its checksum is wrong: look at " + places(at)
	return e
}

// maxBase58 is the size in bytes from which on base58 text is not even taken for an address with a mistake.
const maxBase58 = 100

// parseBase58 reads a P2PKH or P2SH address.
func (p *Params) parseBase58(s string) ([]byte, error) {
	payload, version, err := base58.CheckDecode(s)
	if err != nil {
		return nil, p.notBase58(s)
	}
	ours := version == p.PubKeyPrefix || version == p.ScriptPrefix
	switch {
	case len(payload) > keyHashSize && version == p.WIFPrefix:
		return nil, &AddressError{Reason: reasonBase58, Detail: "it is a private key, which nobody else may see"}
	case len(payload) > keyHashSize:
		return nil, &AddressError{Reason: reasonBase58, Detail: fmt.Sprintf("it holds %d bytes where 20 belong", len(payload))}
	case !ours:
		return nil, &AddressError{Reason: "Invalid or unsupported Base58-encoded address.",
			Detail: fmt.Sprintf("it belongs to another network (its version is %d; %s has %d and %d)", version, p.Name, p.PubKeyPrefix, p.ScriptPrefix)}
	case len(payload) < keyHashSize:
		return nil, &AddressError{Reason: "Invalid length for Base58 address (P2PKH or P2SH)", Detail: fmt.Sprintf("it holds %d bytes where 20 belong", len(payload))}
	case version == p.PubKeyPrefix:
		return slices.Concat([]byte{opDup, opHash160, keyHashSize}, payload, []byte{opEqualVerify, opCheckSig}), nil
	}
	return slices.Concat([]byte{opHash160, keyHashSize}, payload, []byte{opEqual}), nil
}

// notBase58 says why text is not base58check.
func (p *Params) notBase58(s string) error {
	switch n := len(base58.Decode(s)); {
	case n == 0 || n > maxBase58:
		return &AddressError{Reason: reasonNeither, Detail: fmt.Sprintf("it is neither bech32, which starts with %q here, nor base58", p.HRP+"1")}
	case n < 5:
		return &AddressError{Reason: reasonBase58, Detail: "it is too short"}
	}
	return &AddressError{Reason: reasonBase58, Detail: "its checksum is wrong, so some characters are"}
}

// bitcoinPrefixes are the bech32 prefixes of Bitcoin's networks, which no other network may use.
var bitcoinPrefixes = map[string]string{"bc": "Bitcoin", "tb": "Bitcoin's test networks", "bcrt": "Bitcoin's regtest"}

// networkOf names the network of a bech32 prefix.
func networkOf(hrp string) string {
	if name, ok := bitcoinPrefixes[hrp]; ok {
		return name
	}
	return fmt.Sprintf("a network with the prefix %q", hrp)
}

// places names up to four positions for a person, who counts from one.
func places(at []int) string {
	const most = 4
	var words []string
	for _, i := range at[:min(len(at), most)] {
		words = append(words, fmt.Sprint(i+1))
	}
	text := "character "
	if len(at) > 1 {
		text = "characters "
	}
	text += strings.Join(words, ", ")
	if len(at) > most {
		text += " …"
	}
	return text
}

// span lists the numbers from lo up to hi.
func span(lo, hi int) []int {
	s := make([]int, 0, hi-lo)
	for i := lo; i < hi; i++ {
		s = append(s, i)
	}
	return s
}
