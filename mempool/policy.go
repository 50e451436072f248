package mempool

import (
	"encoding/binary"

	"cheese/coin"
	"cheese/script"
)

// What a node relays, as in Bitcoin Core 28's policy.h. Blocks may hold more.
const (
	minVersion, maxVersion = 1, 3
	maxStandardWeight      = 400_000
	minStandardBaseSize    = 65 // shorter ones could pass for inner nodes of a Merkle tree (CVE-2017-12842)
	maxStandardSigOpCost   = 80_000 / 5
	maxInputScript         = 1650 // bytes: room for 15 of 15 P2SH signatures
	maxBareKeys            = 3    // keys of a multisig output that is not wrapped
	maxRedeemSigOps        = 15
	maxPush                = 520  // bytes that one element may have
	maxPushes              = 1000 // elements on a stack
)

// Limits on witnesses of version 0 scripts (P2WSH) and of tapscripts.
const (
	maxWitnessScript   = 3600
	maxWitnessItems    = 100
	maxWitnessItem     = 80
	annexTag           = 0x50
	leafMask           = 0xfe
	leafTapscript      = 0xc0
	taprootProgramSize = 32
)

// checkStandard checks what policy wants of a transaction by itself.
func (o *Options) checkStandard(tx *coin.Tx) *RejectError {
	if tx.Version < minVersion || tx.Version > maxVersion {
		return reject("version")
	}
	if tx.Weight() > maxStandardWeight {
		return reject("tx-size")
	}
	for i := range tx.In {
		if len(tx.In[i].Script) > maxInputScript {
			return reject("scriptsig-size")
		}
		if !script.IsPushOnly(tx.In[i].Script) {
			return reject("scriptsig-not-pushonly")
		}
	}
	data := 0
	for i := range tx.Out {
		out := &tx.Out[i]
		class, parts := script.Classify(out.Script)
		switch {
		case !o.standardOutput(class, parts, out.Script):
			return reject("scriptpubkey")
		case class == script.NullData:
			data++
		case class == script.MultiSig && !o.PermitBareMultisig:
			return reject("bare-multisig")
		case out.Value < dustLimit(out.Script, o.DustRelayFee):
			return reject("dust")
		}
	}
	if data > 1 {
		return reject("multi-op-return")
	}
	return nil
}

func (o *Options) standardOutput(class script.Class, parts [][]byte, output []byte) bool {
	switch class {
	case script.NonStandard:
		return false
	case script.NullData:
		return len(output) <= o.DataCarrierSize
	case script.MultiSig:
		return len(parts)-2 <= maxBareKeys
	}
	return true
}

// DustLimit returns the least amount in crumbs that an output with this script must have to be worth spending, by what
// its input will weigh, at the default DustRelayFee.
func DustLimit(output []byte) coin.Amount { return dustLimit(output, DefaultDustRelayFee) }

func dustLimit(output []byte, rate coin.Amount) coin.Amount {
	if script.IsUnspendable(output) {
		return 0
	}
	const outpoint, sequence, signatureAndKey = 36, 4, 107
	input := outpoint + 1 + signatureAndKey + sequence
	if _, _, witness := script.WitnessProgram(output); witness {
		input = outpoint + 1 + signatureAndKey/coin.WitnessScale + sequence
	}
	return feeFor(rate, 8+coin.CompactSizeLen(uint64(len(output)))+len(output)+input)
}

// checkInputsStandard refuses to spend outputs of unknown kinds, and redeem scripts that are costly to run.
func checkInputsStandard(tx *coin.Tx, prev []coin.TxOut) *RejectError {
	for i := range tx.In {
		switch class, _ := script.Classify(prev[i].Script); class {
		case script.NonStandard, script.WitnessUnknown:
			return rejectf("bad-txns-nonstandard-inputs", "input %d spends an output of type %v", i, class)
		case script.ScriptHash:
			redeem, ok := lastPush(tx.In[i].Script)
			if !ok || script.SigOps(redeem, true) > maxRedeemSigOps {
				return rejectf("bad-txns-nonstandard-inputs", "input %d has no redeem script or one with too many signature operations", i)
			}
		}
	}
	return nil
}

// checkWitnessStandard bounds witnesses below what consensus allows.
func checkWitnessStandard(tx *coin.Tx, prev []coin.TxOut) *RejectError {
	for i := range tx.In {
		if len(tx.In[i].Witness) > 0 && !witnessStandard(&tx.In[i], prev[i].Script) {
			return rejectf("bad-witness-nonstandard", "input %d", i)
		}
	}
	return nil
}

func witnessStandard(in *coin.TxIn, output []byte) bool {
	class, _ := script.Classify(output)
	if class == script.Anchor {
		return false
	}
	wrapped := class == script.ScriptHash
	if wrapped {
		var ok bool
		if output, ok = lastPush(in.Script); !ok {
			return false
		}
	}
	version, program, ok := script.WitnessProgram(output)
	switch {
	case !ok:
		return false
	case version == 0 && len(program) == 32:
		return scriptWitnessStandard(in.Witness)
	case version == 1 && len(program) == taprootProgramSize && !wrapped:
		return taprootWitnessStandard(in.Witness)
	}
	return true
}

func scriptWitnessStandard(witness [][]byte) bool {
	last := len(witness) - 1
	return len(witness[last]) <= maxWitnessScript && last <= maxWitnessItems && itemsStandard(witness[:last])
}

func taprootWitnessStandard(witness [][]byte) bool {
	last := witness[len(witness)-1]
	switch {
	case len(witness) >= 2 && len(last) > 0 && last[0] == annexTag:
		return false
	case len(witness) < 2: // key path
		return true
	case len(last) == 0:
		return false
	case last[0]&leafMask == leafTapscript:
		return itemsStandard(witness[:len(witness)-2])
	}
	return true
}

func itemsStandard(items [][]byte) bool {
	for _, item := range items {
		if len(item) > maxWitnessItem {
			return false
		}
	}
	return true
}

// lastPush runs an input script that only pushes and returns what it leaves on top, the redeem script of P2SH. It is
// false where the script fails or leaves nothing.
func lastPush(input []byte) (top []byte, ok bool) {
	const pushData1, pushData2, pushData4, negative, one, sixteen = 0x4c, 0x4d, 0x4e, 0x4f, 0x51, 0x60
	pushes := 0
	for len(input) > 0 {
		op := input[0]
		input = input[1:]
		size, width := uint64(op), 0
		switch {
		case op == negative:
			top, size = []byte{0x81}, 0
		case op >= one && op <= sixteen:
			top, size = []byte{op - one + 1}, 0
		case op == pushData1:
			width = 1
		case op == pushData2:
			width = 2
		case op == pushData4:
			width = 4
		case op > pushData4:
			return nil, false
		}
		if width > len(input) {
			return nil, false
		}
		if width > 0 {
			var le [8]byte
			copy(le[:], input[:width])
			size, input = binary.LittleEndian.Uint64(le[:]), input[width:]
		}
		if pushes++; size > maxPush || size > uint64(len(input)) || pushes > maxPushes {
			return nil, false
		}
		if op <= pushData4 {
			top, input = input[:size], input[size:]
		}
	}
	return top, pushes > 0
}

// policySize returns the virtual size by which fees are judged: signature operations that are denser than one in
// bytesPerSigOp bytes weigh in too.
func policySize(tx *coin.Tx, sigOpCost, bytesPerSigOp int) int {
	return (max(tx.Weight(), sigOpCost*bytesPerSigOp) + coin.WitnessScale - 1) / coin.WitnessScale
}
