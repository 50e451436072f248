package script

import (
	"bytes"
	"slices"

	"cheese/coin"

	"github.com/btcsuite/btcd/txscript/v2"
)

// tape follows the engine from operation to operation, since the engine does not tell where it is.
type tape struct {
	scripts [][]byte // the ones still to come
	now     cursor
}

// tapeOf lines up the scripts that the engine will run one after the other.
func tapeOf(in *coin.TxIn, prev []byte, flags Flags) tape {
	t := tape{scripts: [][]byte{in.Script, prev}}
	program := prev
	if flags.has(P2SH) && isScriptHash(prev) {
		program = RedeemScript(in.Script)
		t.scripts = append(t.scripts, program)
	}
	version, hash, ok := WitnessProgram(program)
	if !ok || !flags.has(Witness) {
		return t
	}
	stack, _ := splitAnnex(in.Witness)
	switch n := len(stack); {
	case version == 0 && len(hash) == 20:
		t.scripts = append(t.scripts, PayToPubKeyHash([20]byte(hash)))
	case version == 0 && len(in.Witness) > 0:
		t.scripts = append(t.scripts, in.Witness[len(in.Witness)-1])
	case version == 1 && n >= 2:
		t.scripts = append(t.scripts, stack[n-2])
	}
	return t
}

// next returns the operation that the engine's next step runs.
func (t *tape) next() byte {
	for t.now.done() {
		if len(t.scripts) == 0 {
			return opInvalid
		}
		t.now, t.scripts = cursor{script: t.scripts[0]}, t.scripts[1:]
	}
	op, _, _ := t.now.next()
	return op
}

// watched tells whether the engine may let the operation through where Core does not, so that the stack before it
// is wanted. Only rules of policy are concerned: what a block may make us do costs the engine's time and no more.
func (r *run) watched(op byte) bool {
	switch op {
	case opCheckSig, opCheckSigVerify:
		return !r.leaf.is && r.flags&(NullFail|WitnessPubKeyType|ConstScriptCode) != 0 ||
			r.leaf.is && r.flags.has(DiscourageUpgradablePubKey)
	case opCheckSigAdd:
		return r.leaf.is && r.flags.has(DiscourageUpgradablePubKey)
	case opCheckMultiSig, opCheckMultiSigVerify:
		return !r.leaf.is && r.flags&(WitnessPubKeyType|ConstScriptCode) != 0
	}
	return false
}

// signing is a signature operation as the engine left it.
type signing struct {
	sigs, keys [][]byte // in the order they are tried
	said       verdict  // of the engine
	failed     bool     // no fault, but the signature is not good
}

// signing finds the arguments in the stack before the operation. ok is false where it lacked some, was not run at
// all, or has nothing that could be overlooked.
func (r *run) signing(before [][]byte, vm *txscript.Engine, err error) (s signing, ok bool) {
	if s.sigs, s.keys, ok = r.arguments(before); !ok {
		return s, false
	}
	s.said = r.translate(vm, err)
	s.failed = s.said == sigVerify || s.said == multiVerify
	if err != nil {
		return s, true
	}
	if r.leaf.is && (len(s.sigs[0]) > 0 || len(s.keys[0]) == 32) {
		return s, false
	}
	after := vm.GetStack()
	if len(after) >= len(before) {
		return s, false // in a branch that is not taken
	}
	s.failed = (r.op == opCheckSig || r.op == opCheckMultiSig) && !isTrue(after[len(after)-1])
	return s, true
}

// arguments returns the signatures and keys that a signature operation finds, in the order they are tried.
func (r *run) arguments(stack [][]byte) (sigs, keys [][]byte, ok bool) {
	n := len(stack)
	switch r.op {
	case opCheckSig, opCheckSigVerify:
		if n >= 2 {
			return stack[n-2 : n-1], stack[n-1:], true
		}
	case opCheckSigAdd:
		if n >= 3 {
			return stack[n-3 : n-2], stack[n-1:], true
		}
	case opCheckMultiSig, opCheckMultiSigVerify:
		if keys, stack, ok = takeCounted(stack); ok {
			sigs, _, ok = takeCounted(stack)
		}
	}
	return sigs, keys, ok
}

// takeCounted takes a number and that many elements off a stack, the uppermost first.
func takeCounted(stack [][]byte) (items, rest [][]byte, ok bool) {
	top := len(stack) - 1
	if top < 0 || len(stack[top]) > 4 {
		return nil, nil, false
	}
	n := decodeNumber(stack[top])
	if n < 0 || n > maxMultiSigKeys || int(n) > top {
		return nil, nil, false
	}
	rest = stack[:top-int(n)]
	for i := top - 1; i >= len(rest); i-- {
		items = append(items, stack[i])
	}
	return items, rest, true
}

// overlooked returns Core's verdict on a signature operation where the engine has another, and otherwise valid.
func (r *run) overlooked(before [][]byte, vm *txscript.Engine, err error, script []byte) verdict {
	s, ok := r.signing(before, vm, err)
	switch s.said {
	case opCount, badStack, keyCount, sigCount:
		return valid // Core looks at these before it looks at signatures
	}
	switch {
	case !ok:
	case r.leaf.is:
		return r.overlookedInTapscript(&s)
	case !r.witness && r.flags.has(ConstScriptCode) && s.inCode(script):
		return sigInCode
	case s.said == witnessKey && r.flags.has(StrictEnc) && s.oddKey():
		return badKeyType
	case s.failed && r.flags.has(NullFail) && len(slices.Concat(s.sigs...)) > 0:
		return nullFail // forgotten where the key or the signature is no number of the curve's
	}
	return valid
}

// overlookedInTapscript: keys of unknown types are looked at even where the signature is empty, and a signature's
// form before the key.
func (r *run) overlookedInTapscript(s *signing) verdict {
	if r.op == opCheckMultiSig || r.op == opCheckMultiSigVerify {
		return valid // not available there
	}
	sig, key := s.sigs[0], s.keys[0]
	switch {
	case len(sig) == 0 && len(key) > 0 && len(key) != 32 && r.flags.has(DiscourageUpgradablePubKey):
		return newKeyType
	case s.said != schnorrSig:
	case len(sig) != 64 && len(sig) != 65:
		return schnorrSize
	case len(sig) == 65 && (sig[64] == SigHashDefault || !r.canSign(sig[64])):
		return schnorrType
	}
	return valid
}

// inCode tells whether the script pushes one of the signatures, which Core takes out of what is signed. The engine
// looks for that after the encoding, and not at all for signatures that are empty or one small number.
func (s *signing) inCode(script []byte) bool {
	for _, sig := range s.sigs {
		wanted := directPush(sig)
		for c := (cursor{script: script}); !c.done(); {
			start := c.pos
			if _, _, ok := c.next(); !ok {
				break
			}
			if bytes.Equal(script[start:c.pos], wanted) {
				return true
			}
		}
	}
	return false
}

// oddKey tells whether the first key that is not compressed is not even uncompressed.
func (s *signing) oddKey() bool {
	for _, key := range s.keys {
		if !isCompressed(key) {
			return !isUncompressed(key)
		}
	}
	return false
}
