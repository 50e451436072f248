// Package script decides whether a transaction's inputs may spend the outputs they name, and knows everything else
// about Script that the rooms above need: signature hashes, signature operation counts, the standard output types,
// disassembly and small builders.
//
// Verification has one seam: a [Check] names an input and the rules it is held to, and [Verifier.Verify] answers for
// a batch of them. The standard templates (P2WPKH, the taproot key path, P2PKH) are judged directly. Every other
// script runs on btcd's engine, whose verdicts are corrected where they can be and given in Bitcoin Core's words; the
// differences with Core that are left are listed, each with a spend that shows it, in differences_test.go. Signatures
// found valid are remembered, so that a transaction seen by the pool costs a block little.
//
// Nothing here does I/O or reads a clock.
package script
