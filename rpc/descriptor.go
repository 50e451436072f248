package rpc

import (
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/btcsuite/btcd/btcec/v2/schnorr"

	"cheese/coin"
	"cheese/script"
)

// descriptor returns the output descriptor (BIP 380) that Core infers for a script of which nothing else is known.
func descriptor(p *coin.Params, s []byte) string {
	body := "raw(" + hex.EncodeToString(s) + ")"
	address, hasAddress := p.Address(s)
	switch class, parts := script.Classify(s); {
	case class == script.PubKey && plainKey(parts[0]):
		body = "pk(" + hex.EncodeToString(parts[0]) + ")" // BIP 381
	case class == script.MultiSig && plainKeys(parts[1:len(parts)-1]):
		body = fmt.Sprintf("multi(%d", parts[0][0]) // BIP 383
		for _, key := range parts[1 : len(parts)-1] {
			body += "," + hex.EncodeToString(key)
		}
		body += ")"
	case class == script.WitnessV1Taproot && onCurve(parts[0]):
		body = "rawtr(" + hex.EncodeToString(parts[0]) + ")" // BIP 386
	case hasAddress:
		body = "addr(" + address + ")" // BIP 385
	}
	return body + "#" + descriptorChecksum(body)
}

// plainKey tells whether a public key is not of the hybrid form, which descriptors cannot name.
func plainKey(key []byte) bool { return key[0] <= 4 }

func plainKeys(keys [][]byte) bool {
	for _, key := range keys {
		if !plainKey(key) {
			return false
		}
	}
	return true
}

func onCurve(xOnly []byte) bool {
	_, err := schnorr.ParsePubKey(xOnly)
	return err == nil
}

// The alphabet of descriptors, in groups of 32 such that related mistakes stay within a group, and of checksums.
const (
	descriptorAlphabet = "0123456789()[],'/*abcdefgh@:$%{}" + "IJKLMNOPQRSTUVWXYZ&+-.;<=>?!^_|~" + "ijklmnopqrstuvwxyzABCDEFGH`#\"\\ "
	checksumAlphabet   = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
)

// descriptorChecksum returns the eight characters after '#' (BIP 380).
func descriptorChecksum(body string) string {
	sum, group, inGroup := uint64(1), 0, 0
	for _, c := range body {
		at := strings.IndexRune(descriptorAlphabet, c)
		sum = descriptorStep(sum, at&31)
		group = group*3 + at>>5
		if inGroup++; inGroup == 3 {
			sum, group, inGroup = descriptorStep(sum, group), 0, 0
		}
	}
	if inGroup > 0 {
		sum = descriptorStep(sum, group)
	}
	for range 8 {
		sum = descriptorStep(sum, 0)
	}
	sum ^= 1
	var out [8]byte
	for i := range out {
		out[i] = checksumAlphabet[sum>>(5*(7-i))&31]
	}
	return string(out[:])
}

// descriptorStep multiplies the checksum by x and adds a symbol, modulo BIP 380's generator over GF(32).
func descriptorStep(sum uint64, symbol int) uint64 {
	top := sum >> 35
	sum = (sum&0x7ffffffff)<<5 ^ uint64(symbol)
	for i, g := range [5]uint64{0xf5dee51989, 0xa9fdca3312, 0x1bab10e32d, 0x3706b1677a, 0x644d626ffd} {
		if top>>i&1 == 1 {
			sum ^= g
		}
	}
	return sum
}
