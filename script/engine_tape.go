package script

import (
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

// lenient tells whether the engine may let the operation through where Core does not.
func (r *run) lenient(op byte) bool {
	switch op {
	case opCheckSig, opCheckSigVerify:
		return r.flags&(NullFail|DiscourageUpgradablePubKey) != 0
	case opCheckSigAdd:
		return r.leaf.is && r.flags.has(DiscourageUpgradablePubKey)
	}
	return false
}

// overlooked makes up for two rules of policy. The engine forgets NullFail where the key or the signature is no
// number of the curve's, and DiscourageUpgradablePubKey where the signature is empty. before is the stack as it was,
// nil where there is nothing to look at.
func (r *run) overlooked(before [][]byte, vm *txscript.Engine, err error) verdict {
	n := len(before)
	arguments := 2 // signature, key
	if r.op == opCheckSigAdd {
		arguments = 3 // signature, number, key
	}
	if n < arguments {
		return valid
	}
	sig, key := before[n-arguments], before[n-1]
	failed := err != nil && r.translate(vm, err) == sigVerify
	if !failed {
		after := vm.GetStack()
		if err != nil || len(after) >= n { // another fault, or not in an executed branch
			return valid
		}
		failed = r.op == opCheckSig && !isTrue(after[len(after)-1])
	}
	switch {
	case r.leaf.is && len(sig) == 0 && len(key) != 32 && r.flags.has(DiscourageUpgradablePubKey):
		return newKeyType
	case !r.leaf.is && failed && len(sig) > 0 && r.flags.has(NullFail):
		return nullFail
	}
	return valid
}
