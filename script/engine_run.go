package script

import (
	"errors"
	"strings"

	"cheese/coin"

	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/txscript/v2"
)

// run gives a script to the engine and the engine's answer in Core's words.
func (e engine) run(c *Check, flags Flags) verdict {
	t, in, out := c.Spend.engineTx(), &c.Spend.tx.In[c.Input], &c.Spend.prev[c.Input]
	r := run{
		flags:   flags,
		leaf:    leafOf(in, out, flags),
		witness: spendsProgram(in, out.Script, flags),
		tape:    tapeOf(in, out.Script, flags),
	}
	if r.leaf.badKey {
		return programHash
	}
	r.start = func(flags Flags) (*txscript.Engine, error) {
		return txscript.NewEngine(out.Script, t.tx, c.Input, toEngineFlags(flags), e.sigs, t.hashes, int64(out.Value), t.prev)
	}
	r.canSign = func(hashType byte) bool {
		_, err := c.Spend.TaprootSigHash(c.Input, hashType)
		return err == nil
	}
	return r.execute()
}

// execute runs the script to its end or its first fault.
func (r *run) execute() verdict {
	vm, err := r.start(r.flags)
	if err != nil {
		return r.translate(nil, err)
	}
	tape := r.tape
	for done := false; !done; r.steps++ {
		r.op = tape.next()
		var before [][]byte
		if r.watched(r.op) {
			before = vm.GetStack()
		}
		done, err = vm.Step()
		if err != nil && before == nil && r.leaf.is {
			before = r.stackBefore()
		}
		if why := r.overlooked(before, vm, err, tape.now.script); why != valid {
			return why
		}
		if err != nil {
			return r.translate(vm, err)
		}
	}
	return r.translate(vm, vm.CheckErrorCondition(true))
}

// run is one execution, with what is needed to tell afterwards why it failed.
type run struct {
	start   func(Flags) (*txscript.Engine, error)
	canSign func(hashType byte) bool // the type is one that taproot knows for this input
	flags   Flags
	leaf    leaf

	witness bool // a witness program is spent
	tape    tape // the operations to come
	steps   int  // how many went well
	op      byte // the last one begun
}

// spendsProgram tells whether the input spends a witness program, its own or one nested in P2SH.
func spendsProgram(in *coin.TxIn, prev []byte, flags Flags) bool {
	if flags.has(P2SH) && isScriptHash(prev) {
		prev = RedeemScript(in.Script)
	}
	_, _, ok := WitnessProgram(prev)
	return ok && flags.has(Witness)
}

// leaf is what a taproot script path spend reveals.
type leaf struct {
	is      bool // a script path spend with a control block of a sensible size
	version byte
	badKey  bool // the internal key is on no curve point: the commitment cannot hold
}

const (
	tapscriptLeaf   = 0xc0
	controlBaseSize = 33
	controlNodeSize = 32
	controlMaxNodes = 128
)

func leafOf(in *coin.TxIn, out *coin.TxOut, flags Flags) (l leaf) {
	version, program, _ := WitnessProgram(out.Script)
	stack, _ := splitAnnex(in.Witness)
	if !flags.has(Witness|Taproot) || version != 1 || len(program) != 32 || len(stack) < 2 {
		return l
	}
	control := stack[len(stack)-1]
	nodes := len(control) - controlBaseSize
	if nodes < 0 || nodes%controlNodeSize != 0 || nodes/controlNodeSize > controlMaxNodes {
		return l
	}
	_, err := schnorr.ParsePubKey(control[1:controlBaseSize])
	return leaf{is: true, version: control[0] &^ 1, badKey: err != nil}
}

// plainWords pairs the engine's codes with Core's words where one code means one thing.
var plainWords = map[txscript.ErrorCode]verdict{
	txscript.ErrEarlyReturn:                         returned,
	txscript.ErrEmptyStack:                          evalFalse,
	txscript.ErrEvalFalse:                           evalFalse,
	txscript.ErrScriptTooBig:                        scriptSize,
	txscript.ErrElementTooBig:                       pushSize,
	txscript.ErrTooManyOperations:                   opCount,
	txscript.ErrStackOverflow:                       stackSize,
	txscript.ErrInvalidPubKeyCount:                  keyCount,
	txscript.ErrInvalidSignatureCount:               sigCount,
	txscript.ErrVerify:                              failedVerify,
	txscript.ErrEqualVerify:                         equalVerify,
	txscript.ErrNumEqualVerify:                      numVerify,
	txscript.ErrCheckSigVerify:                      sigVerify,
	txscript.ErrCheckMultiSigVerify:                 multiVerify,
	txscript.ErrDisabledOpcode:                      disabledOp,
	txscript.ErrReservedOpcode:                      badOpcode,
	txscript.ErrMalformedPush:                       badOpcode,
	txscript.ErrUnbalancedConditional:               unbalanced,
	txscript.ErrSigTooShort:                         sigDER,
	txscript.ErrSigTooLong:                          sigDER,
	txscript.ErrSigInvalidSeqID:                     sigDER,
	txscript.ErrSigInvalidDataLen:                   sigDER,
	txscript.ErrSigMissingSTypeID:                   sigDER,
	txscript.ErrSigMissingSLen:                      sigDER,
	txscript.ErrSigInvalidSLen:                      sigDER,
	txscript.ErrSigInvalidRIntID:                    sigDER,
	txscript.ErrSigZeroRLen:                         sigDER,
	txscript.ErrSigNegativeR:                        sigDER,
	txscript.ErrSigTooMuchRPadding:                  sigDER,
	txscript.ErrSigInvalidSIntID:                    sigDER,
	txscript.ErrSigZeroSLen:                         sigDER,
	txscript.ErrSigNegativeS:                        sigDER,
	txscript.ErrSigTooMuchSPadding:                  sigDER,
	txscript.ErrSigHighS:                            sigHighS,
	txscript.ErrNotPushOnly:                         sigPushOnly,
	txscript.ErrSigNullDummy:                        nullDummy,
	txscript.ErrPubKeyType:                          badKeyType,
	txscript.ErrWitnessMalleated:                    malleated,
	txscript.ErrWitnessMalleatedP2SH:                malleatedP2SH,
	txscript.ErrDiscourageUpgradableNOPs:            newNop,
	txscript.ErrNegativeLockTime:                    negativeLock,
	txscript.ErrUnsatisfiedLockTime:                 unmetLock,
	txscript.ErrDiscourageUpgradableWitnessProgram:  newWitness,
	txscript.ErrWitnessProgramEmpty:                 programEmpty,
	txscript.ErrWitnessProgramMismatch:              programHash,
	txscript.ErrWitnessProgramWrongLength:           programLength,
	txscript.ErrWitnessUnexpected:                   unexpected,
	txscript.ErrWitnessPubKeyType:                   witnessKey,
	txscript.ErrDiscourageUpgradeableTaprootVersion: newTaproot,
	txscript.ErrTapscriptCheckMultisig:              tapMultiSig,
	txscript.ErrDiscourageUpgradeablePubKeyType:     newKeyType,
	txscript.ErrTaprootSigInvalid:                   schnorrSig,
	txscript.ErrTaprootMerkleProofInvalid:           programHash,
	txscript.ErrTaprootOutputKeyParityMismatch:      programHash,
	txscript.ErrControlBlockTooSmall:                controlSize,
	txscript.ErrControlBlockTooLarge:                controlSize,
	txscript.ErrControlBlockInvalidLength:           controlSize,
	txscript.ErrTaprootPubkeyIsEmpty:                badKeyType,
	txscript.ErrTaprootMaxSigOps:                    tapWeight,
	txscript.ErrNonConstScriptCode:                  sigInCode,
	txscript.ErrCodeSeparator:                       codeSeparator,
}

// translate gives the engine's error in Core's words. vm is nil where the engine refused to start.
func (r *run) translate(vm *txscript.Engine, err error) verdict {
	if err == nil {
		return valid
	}
	var known txscript.Error
	if !errors.As(err, &known) {
		return schnorrSig // only keys and signatures in tapscript fail without a code
	}
	if why, ok := plainWords[known.ErrorCode]; ok {
		return why
	}
	switch known.ErrorCode {
	case txscript.ErrMinimalData:
		if strings.HasPrefix(known.Description, "numeric value") {
			return r.numberFault()
		}
		return notMinimal
	case txscript.ErrNumberTooBig:
		return r.numberFault()
	case txscript.ErrInvalidSigHashType:
		return r.hashTypeFault()
	case txscript.ErrInvalidStackOperation:
		return r.stackFault()
	case txscript.ErrCleanStack:
		return r.stackLeft(vm)
	case txscript.ErrMinimalIf:
		return pick(r.leaf.is, tapMinimalIf, minimalIf)
	case txscript.ErrNullFail:
		return pick(r.leaf.is, schnorrSig, nullFail)
	case txscript.ErrInvalidTaprootSigLen:
		return pick(strings.HasSuffix(known.Description, " 65"), schnorrType, schnorrSize)
	case txscript.ErrDiscourageOpSuccess:
		return r.opSuccess()
	}
	return unknownError
}

func pick(first bool, a, b verdict) verdict {
	if first {
		return a
	}
	return b
}

// opSuccess corrects the engine, which looks for OP_SUCCESSx in leaves of every version.
func (r *run) opSuccess() verdict {
	switch {
	case r.leaf.version == tapscriptLeaf:
		return newOpSuccess
	case r.flags.has(DiscourageUpgradableTaproot):
		return newTaproot
	}
	return valid
}

// stackLeft tells an untidy stack from a false one: in scripts without witness Core looks at the top element first.
func (r *run) stackLeft(vm *txscript.Engine) verdict {
	stack := vm.GetStack()
	if !r.witness && (len(stack) == 0 || !isTrue(stack[len(stack)-1])) {
		return evalFalse
	}
	return cleanStack
}

// hashTypeFault looks again at a signature with an undefined hash type, because Core looks at its encoding first.
func (r *run) hashTypeFault() verdict {
	again := *r
	again.steps, again.flags = 0, r.flags&^StrictEnc|DERSig
	why := again.execute()
	if again.steps == r.steps && (why == sigDER || why == sigHighS) {
		return why
	}
	return sigHashType
}

// numberFault looks again at an operation that met something that is no number. Core throws then, which leaves it
// without words, but it counts the arguments first.
func (r *run) numberFault() verdict {
	if len(r.stackBefore()) < numberArguments(r.op) {
		return badStack
	}
	return unknownError
}

// stackBefore runs the script once more, up to the last operation begun, for the stack that it found.
func (r *run) stackBefore() [][]byte {
	vm, err := r.start(r.flags)
	for range r.steps {
		if err == nil {
			_, err = vm.Step()
		}
	}
	if err != nil {
		return nil // it went well the first time
	}
	return vm.GetStack()
}

// numberArguments is how many elements Core wants on the stack before it reads one as a number, if more than one.
func numberArguments(op byte) int {
	switch {
	case op == opWithin, op == opCheckSigAdd:
		return 3
	case op == opPick, op == opRoll, op == opAdd, op == opSub, op >= opBoolAnd && op <= opMax:
		return 2
	}
	return 1
}

// stackFault says what missed an element: Core has other words for some operations.
func (r *run) stackFault() verdict {
	switch r.op {
	case opFromAltStack:
		return badAltStack
	case opIf, opNotIf:
		return unbalanced
	}
	return badStack
}

// isTrue is how Script reads an element as a boolean: zero and negative zero are false.
func isTrue(b []byte) bool {
	for i, v := range b {
		if v != 0 {
			return i < len(b)-1 || v != 0x80
		}
	}
	return false
}
