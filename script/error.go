package script

import (
	"fmt"

	"cheese/coin"
)

// Error says why an input may not spend its output.
type Error struct {
	TxID  coin.Hash
	Input int
	Text  string // in Bitcoin Core's words, such as "Invalid Schnorr signature"
}

func (e *Error) Error() string { return fmt.Sprintf("input %d of %v: %s", e.Input, e.TxID, e.Text) }

// verdict is why a script fails, in the words of Bitcoin Core 28's script_error.cpp; empty where it does not.
type verdict string

const (
	valid verdict = ""

	evalFalse     verdict = "Script evaluated without error but finished with a false/empty top stack element"
	failedVerify  verdict = "Script failed an OP_VERIFY operation"
	equalVerify   verdict = "Script failed an OP_EQUALVERIFY operation"
	multiVerify   verdict = "Script failed an OP_CHECKMULTISIGVERIFY operation"
	sigVerify     verdict = "Script failed an OP_CHECKSIGVERIFY operation"
	numVerify     verdict = "Script failed an OP_NUMEQUALVERIFY operation"
	scriptSize    verdict = "Script is too big"
	pushSize      verdict = "Push value size limit exceeded"
	opCount       verdict = "Operation limit exceeded"
	stackSize     verdict = "Stack size limit exceeded"
	sigCount      verdict = "Signature count negative or greater than pubkey count"
	keyCount      verdict = "Pubkey count negative or limit exceeded"
	badOpcode     verdict = "Opcode missing or not understood"
	disabledOp    verdict = "Attempted to use a disabled opcode"
	badStack      verdict = "Operation not valid with the current stack size"
	badAltStack   verdict = "Operation not valid with the current altstack size"
	returned      verdict = "OP_RETURN was encountered"
	unbalanced    verdict = "Invalid OP_IF construction"
	negativeLock  verdict = "Negative locktime"
	unmetLock     verdict = "Locktime requirement not satisfied"
	sigHashType   verdict = "Signature hash type missing or not understood"
	sigDER        verdict = "Non-canonical DER signature"
	notMinimal    verdict = "Data push larger than necessary"
	sigPushOnly   verdict = "Only push operators allowed in signatures"
	sigHighS      verdict = "Non-canonical signature: S value is unnecessarily high"
	nullDummy     verdict = "Dummy CHECKMULTISIG argument must be zero"
	minimalIf     verdict = "OP_IF/NOTIF argument must be minimal"
	nullFail      verdict = "Signature must be zero for failed CHECK(MULTI)SIG operation"
	newNop        verdict = "NOPx reserved for soft-fork upgrades"
	newWitness    verdict = "Witness version reserved for soft-fork upgrades"
	newTaproot    verdict = "Taproot version reserved for soft-fork upgrades"
	newOpSuccess  verdict = "OP_SUCCESSx reserved for soft-fork upgrades"
	newKeyType    verdict = "Public key version reserved for soft-fork upgrades"
	badKeyType    verdict = "Public key is neither compressed or uncompressed"
	cleanStack    verdict = "Stack size must be exactly one after execution"
	programLength verdict = "Witness program has incorrect length"
	programEmpty  verdict = "Witness program was passed an empty witness"
	programHash   verdict = "Witness program hash mismatch"
	malleated     verdict = "Witness requires empty scriptSig"
	malleatedP2SH verdict = "Witness requires only-redeemscript scriptSig"
	unexpected    verdict = "Witness provided for non-witness script"
	witnessKey    verdict = "Using non-compressed keys in segwit"
	schnorrSize   verdict = "Invalid Schnorr signature size"
	schnorrType   verdict = "Invalid Schnorr signature hash type"
	schnorrSig    verdict = "Invalid Schnorr signature"
	controlSize   verdict = "Invalid Taproot control block size"
	tapWeight     verdict = "Too much signature validation relative to witness weight"
	tapMultiSig   verdict = "OP_CHECKMULTISIG(VERIFY) is not available in tapscript"
	tapMinimalIf  verdict = "OP_IF/NOTIF argument must be minimal in tapscript"
	codeSeparator verdict = "Using OP_CODESEPARATOR in non-witness script"
	sigInCode     verdict = "Signature is found in scriptCode"
	unknownError  verdict = "unknown error"
)
