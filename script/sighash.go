package script

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"cheese/coin"
)

// Hash types: what of the transaction a signature commits to. The last byte of a signature.
const (
	SigHashDefault      = 0x00 // taproot only: as SigHashAll, and the byte is left out
	SigHashAll          = 0x01
	SigHashNone         = 0x02
	SigHashSingle       = 0x03
	SigHashAnyOneCanPay = 0x80

	sigHashOutputMask = 0x1f // selects which outputs, in ECDSA's hash types
)

// midstate holds the parts of BIP 143 and BIP 341 messages that all inputs share. BIP 143 hashes the first three twice.
type midstate struct {
	prevouts, sequences, outputs [32]byte // single SHA-256
	amounts, scripts             [32]byte // single SHA-256, BIP 341 only
	prevouts2, sequences2        [32]byte // SHA-256 of the above, BIP 143
	outputs2                     [32]byte
}

func (s *Spend) midstate() *midstate {
	s.midOnce.Do(func() {
		var prevouts, sequences, outputs, amounts, scripts []byte
		for i := range s.tx.In {
			in := &s.tx.In[i]
			prevouts = appendOutPoint(prevouts, in.Prev)
			sequences = binary.LittleEndian.AppendUint32(sequences, in.Sequence)
			amounts = binary.LittleEndian.AppendUint64(amounts, uint64(s.prev[i].Value))
			scripts = coin.AppendVarBytes(scripts, s.prev[i].Script)
		}
		for i := range s.tx.Out {
			outputs = s.tx.Out[i].Append(outputs)
		}
		m := &s.mid
		m.prevouts, m.sequences, m.outputs = sha256.Sum256(prevouts), sha256.Sum256(sequences), sha256.Sum256(outputs)
		m.amounts, m.scripts = sha256.Sum256(amounts), sha256.Sum256(scripts)
		m.prevouts2, m.sequences2 = sha256.Sum256(m.prevouts[:]), sha256.Sum256(m.sequences[:])
		m.outputs2 = sha256.Sum256(m.outputs[:])
	})
	return &s.mid
}

func appendOutPoint(b []byte, o coin.OutPoint) []byte {
	return binary.LittleEndian.AppendUint32(append(b, o.Hash[:]...), o.Index)
}

// LegacySigHash returns the digest that a signature in a script without witness signs. scriptCode is the script being
// run from its last CODESEPARATOR on, the signature already taken out.
func (s *Spend) LegacySigHash(input int, scriptCode []byte, hashType uint32) [32]byte {
	outputs := hashType & sigHashOutputMask
	if outputs == SigHashSingle && input >= len(s.tx.Out) {
		return [32]byte{1} // Bitcoin's first client signed the number one here, and so it stays
	}
	size := 200 + len(scriptCode) + 41*len(s.tx.In)
	for i := range s.tx.Out {
		size += 9 + len(s.tx.Out[i].Script)
	}
	b := binary.LittleEndian.AppendUint32(make([]byte, 0, size), uint32(s.tx.Version))
	b = s.appendLegacyInputs(b, input, scriptCode, hashType)
	switch outputs {
	case SigHashNone:
		b = coin.AppendCompactSize(b, 0)
	case SigHashSingle:
		b = coin.AppendCompactSize(b, uint64(input)+1)
		for range input {
			b = (&coin.TxOut{Value: -1}).Append(b)
		}
		b = s.tx.Out[input].Append(b)
	default:
		b = coin.AppendCompactSize(b, uint64(len(s.tx.Out)))
		for i := range s.tx.Out {
			b = s.tx.Out[i].Append(b)
		}
	}
	b = binary.LittleEndian.AppendUint32(b, s.tx.LockTime)
	return coin.DoubleSHA(binary.LittleEndian.AppendUint32(b, hashType))
}

func (s *Spend) appendLegacyInputs(b []byte, input int, scriptCode []byte, hashType uint32) []byte {
	scriptCode = withoutCodeSeparators(scriptCode)
	own := func(b []byte) []byte {
		in := &s.tx.In[input]
		b = coin.AppendVarBytes(appendOutPoint(b, in.Prev), scriptCode)
		return binary.LittleEndian.AppendUint32(b, in.Sequence)
	}
	if hashType&SigHashAnyOneCanPay != 0 {
		return own(coin.AppendCompactSize(b, 1))
	}
	outputs := hashType & sigHashOutputMask
	b = coin.AppendCompactSize(b, uint64(len(s.tx.In)))
	for i := range s.tx.In {
		if i == input {
			b = own(b)
			continue
		}
		in := &s.tx.In[i]
		b = append(appendOutPoint(b, in.Prev), 0)
		sequence := in.Sequence
		if outputs == SigHashSingle || outputs == SigHashNone {
			sequence = 0 // others may be replaced
		}
		b = binary.LittleEndian.AppendUint32(b, sequence)
	}
	return b
}

// withoutCodeSeparators drops CODESEPARATOR operations. What follows a push that runs over the end stays as it is.
func withoutCodeSeparators(script []byte) []byte {
	if bytes.IndexByte(script, opCodeSeparator) < 0 {
		return script
	}
	kept := make([]byte, 0, len(script))
	c := cursor{script: script}
	for !c.done() {
		start := c.pos
		op, _, ok := c.next()
		if !ok {
			return append(kept, script[start:]...)
		}
		if op != opCodeSeparator {
			kept = append(kept, script[start:c.pos]...)
		}
	}
	return kept
}

// WitnessSigHash returns the digest that a signature in a version 0 witness program signs (BIP 143). scriptCode is
// the witness script from its last CODESEPARATOR on, or the P2PKH script that stands for a P2WPKH program.
func (s *Spend) WitnessSigHash(input int, scriptCode []byte, hashType uint32) [32]byte {
	var prevouts, sequences, outputs [32]byte
	m, in := s.midstate(), &s.tx.In[input]
	anyOne, mode := hashType&SigHashAnyOneCanPay != 0, hashType&sigHashOutputMask
	if !anyOne {
		prevouts = m.prevouts2
	}
	if !anyOne && mode != SigHashSingle && mode != SigHashNone {
		sequences = m.sequences2
	}
	switch {
	case mode == SigHashSingle && input < len(s.tx.Out):
		outputs = coin.DoubleSHA(s.tx.Out[input].Append(nil))
	case mode != SigHashSingle && mode != SigHashNone:
		outputs = m.outputs2
	}
	b := binary.LittleEndian.AppendUint32(make([]byte, 0, 160+len(scriptCode)), uint32(s.tx.Version))
	b = append(append(b, prevouts[:]...), sequences[:]...)
	b = coin.AppendVarBytes(appendOutPoint(b, in.Prev), scriptCode)
	b = binary.LittleEndian.AppendUint64(b, uint64(s.prev[input].Value))
	b = binary.LittleEndian.AppendUint32(b, in.Sequence)
	b = binary.LittleEndian.AppendUint32(append(b, outputs[:]...), s.tx.LockTime)
	return coin.DoubleSHA(binary.LittleEndian.AppendUint32(b, hashType))
}

// TaprootSigHash returns the digest that a taproot key path signature signs (BIP 341). It commits to the annex that
// the input's witness carries, if any. An undefined hash type, or SigHashSingle without a matching output, is an error.
func (s *Spend) TaprootSigHash(input int, hashType byte) ([32]byte, error) {
	_, annex := splitAnnex(s.tx.In[input].Witness)
	return s.taprootSigHash(input, hashType, annex, nil)
}

// TapscriptSigHash returns the digest that a signature in a tapscript signs (BIP 342): leaf is the leaf's hash and
// codeSeparator the position of the last CODESEPARATOR that was run, 0xffffffff where none was.
func (s *Spend) TapscriptSigHash(input int, hashType byte, leaf [32]byte, codeSeparator uint32) ([32]byte, error) {
	_, annex := splitAnnex(s.tx.In[input].Witness)
	extension := append(leaf[:], 0) // the key version
	return s.taprootSigHash(input, hashType, annex, binary.LittleEndian.AppendUint32(extension, codeSeparator))
}

// tapSighash is the tag's midstate: hashed twice in front of every message.
var tapSighash = sha256.Sum256([]byte("TapSighash"))

func (s *Spend) taprootSigHash(input int, hashType byte, annex, extension []byte) ([32]byte, error) {
	if hashType > SigHashSingle && (hashType < 0x81 || hashType > 0x83) {
		return [32]byte{}, fmt.Errorf("hash type 0x%02x is undefined", hashType)
	}
	anyOne, mode := hashType&SigHashAnyOneCanPay != 0, hashType&3
	if mode == SigHashSingle && input >= len(s.tx.Out) {
		return [32]byte{}, fmt.Errorf("input %d has no output of the same index to sign", input)
	}
	m, in := s.midstate(), &s.tx.In[input]
	b := append(make([]byte, 0, 320), tapSighash[:]...)
	b = append(b, tapSighash[:]...)
	b = append(b, 0, hashType) // the epoch comes first
	b = binary.LittleEndian.AppendUint32(b, uint32(s.tx.Version))
	b = binary.LittleEndian.AppendUint32(b, s.tx.LockTime)
	if !anyOne {
		b = append(append(b, m.prevouts[:]...), m.amounts[:]...)
		b = append(append(b, m.scripts[:]...), m.sequences[:]...)
	}
	if mode == SigHashDefault || mode == SigHashAll {
		b = append(b, m.outputs[:]...)
	}
	b = append(b, spendType(annex, extension))
	if anyOne {
		b = s.prev[input].Append(appendOutPoint(b, in.Prev))
		b = binary.LittleEndian.AppendUint32(b, in.Sequence)
	} else {
		b = binary.LittleEndian.AppendUint32(b, uint32(input))
	}
	if annex != nil {
		hash := sha256.Sum256(coin.AppendVarBytes(nil, annex))
		b = append(b, hash[:]...)
	}
	if mode == SigHashSingle {
		hash := sha256.Sum256(s.tx.Out[input].Append(nil))
		b = append(b, hash[:]...)
	}
	return sha256.Sum256(append(b, extension...)), nil
}

// spendType is BIP 341's byte that tells which optional parts a message has.
func spendType(annex, extension []byte) (kind byte) {
	if extension != nil {
		kind = 2
	}
	if annex != nil {
		kind |= 1
	}
	return kind
}

// splitAnnex takes the annex, which starts with 0x50 and needs company, off a taproot witness.
func splitAnnex(witness [][]byte) (stack [][]byte, annex []byte) {
	if n := len(witness); n >= 2 && len(witness[n-1]) > 0 && witness[n-1][0] == 0x50 {
		return witness[:n-1], witness[n-1]
	}
	return witness, nil
}
