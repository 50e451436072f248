package script

// Flags are the rules a script is held to. Each has the meaning and the bit of Bitcoin Core's SCRIPT_VERIFY_ constant
// of the same name.
type Flags uint32

const (
	P2SH                        Flags = 1 << iota // BIP 16: evaluate the redeem script
	StrictEnc                                     // policy: only defined hash types and public key encodings
	DERSig                                        // BIP 66: only strict DER signatures
	LowS                                          // policy (BIP 146): S at most half the group order
	NullDummy                                     // BIP 147: CHECKMULTISIG's spare argument is empty
	SigPushOnly                                   // policy (BIP 62): the input script only pushes
	MinimalData                                   // policy (BIP 62): shortest pushes and numbers
	DiscourageUpgradableNops                      // policy: NOPs kept for soft forks fail
	CleanStack                                    // policy (BIP 62): one element is left; needs P2SH and Witness
	CLTV                                          // BIP 65: CHECKLOCKTIMEVERIFY
	CSV                                           // BIP 112: CHECKSEQUENCEVERIFY
	Witness                                       // BIP 141; needs P2SH
	DiscourageUpgradableWitness                   // policy: unknown witness versions fail
	MinimalIf                                     // policy: IF takes exactly empty or 1 in witness version 0
	NullFail                                      // policy (BIP 146): a failed signature check had an empty signature
	WitnessPubKeyType                             // policy: compressed keys in witness version 0
	ConstScriptCode                               // policy: no CODESEPARATOR and no signature in a legacy script code
	Taproot                                       // BIP 341 and 342; needs Witness
	DiscourageUpgradableTaproot                   // policy: unknown leaf versions fail
	DiscourageOpSuccess                           // policy: OP_SUCCESSx fails
	DiscourageUpgradablePubKey                    // policy: unknown tapscript key types fail
)

const (
	// Mandatory are the rules every block obeys once all soft forks are active.
	Mandatory = P2SH | DERSig | NullDummy | CLTV | CSV | Witness | Taproot

	// Standard are the rules a pool holds transactions to before it relays them.
	Standard = Mandatory | StrictEnc | LowS | MinimalData | DiscourageUpgradableNops | CleanStack |
		DiscourageUpgradableWitness | MinimalIf | NullFail | WitnessPubKeyType | ConstScriptCode |
		DiscourageUpgradableTaproot | DiscourageOpSuccess | DiscourageUpgradablePubKey
)

// has tells whether all of want are set.
func (f Flags) has(want Flags) bool { return f&want == want }
