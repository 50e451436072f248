package wallet

import (
	"fmt"

	"cheese/coin"
	"cheese/script"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/btcutil/v2/hdkeychain"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/tyler-smith/go-bip39"
)

// The branches of a BIP 86 account: addresses that are given to others, and change.
const (
	external = 0
	internal = 1
	branches = 2
)

// gapLimit is how many addresses past the last used one are watched on each branch, so that restoring from the words
// finds payments to addresses that were handed out in another order. BIP 44 asks for 20.
const gapLimit = 40

// keyRef names a key by its place under the account: m/86'/coin'/account'/branch/index.
type keyRef struct {
	branch uint32
	index  uint32
}

// keyring derives the keys of one BIP 86 account and knows their output scripts.
type keyring struct {
	branch [branches]*hdkeychain.ExtendedKey // private
	known  [branches][][]byte                // output scripts by index
	refs   map[string]keyRef                 // by output script
}

// maxAccounts is how many hardened children a key has (BIP 32).
const maxAccounts = hdkeychain.HardenedKeyStart

// newKeyring derives an account from recovery words, which were checked. BIP 39's own passphrase is empty.
func newKeyring(p *coin.Params, mnemonic string, account uint32) (*keyring, error) {
	seed := bip39.NewSeed(normalize(mnemonic), "")
	key, err := hdkeychain.NewMaster(seed, &chaincfg.Params{HDPrivateKeyID: p.HDPrivate, HDPublicKeyID: p.HDPublic})
	if err != nil {
		return nil, fmt.Errorf("derive the master key: %w", err)
	}
	const hard = hdkeychain.HardenedKeyStart
	if key, err = derive(key, hard+86, hard+p.HDCoin, hard+account); err != nil {
		return nil, err
	}
	k := &keyring{refs: map[string]keyRef{}}
	for b := range k.branch {
		if k.branch[b], err = derive(key, uint32(b)); err != nil {
			return nil, err
		}
	}
	return k, nil
}

func derive(key *hdkeychain.ExtendedKey, path ...uint32) (*hdkeychain.ExtendedKey, error) {
	for _, i := range path {
		child, err := key.Derive(i)
		if err != nil { // a one in 2^127 chance that BIP 32 says to skip
			return nil, fmt.Errorf("derive key %d: %w", i, err)
		}
		key = child
	}
	return key, nil
}

// extend makes the scripts of a branch known up to and without index n.
func (k *keyring) extend(branch, n uint32) error {
	for i := uint32(len(k.known[branch])); i < n; i++ {
		key, err := derive(k.branch[branch], i)
		if err != nil {
			return err
		}
		pub, err := key.ECPubKey()
		if err != nil {
			return fmt.Errorf("derive key %d: %w", i, err)
		}
		s := outputScript(pub)
		k.known[branch] = append(k.known[branch], s)
		k.refs[string(s)] = keyRef{branch: branch, index: i}
	}
	return nil
}

// outputScript returns the taproot output of an internal key without script paths (BIP 86).
func outputScript(internalKey *btcec.PublicKey) []byte {
	return script.PayToTaproot([32]byte(schnorr.SerializePubKey(txscript.ComputeTaprootKeyNoScript(internalKey))))
}

// script returns the output script of a key, which must be known.
func (k *keyring) script(r keyRef) []byte { return k.known[r.branch][r.index] }

// find returns the key that an output script pays.
func (k *keyring) find(script []byte) (keyRef, bool) {
	r, ok := k.refs[string(script)]
	return r, ok
}

// sign returns the BIP 341 key path signature of a digest, for the default hash type. aux is fresh randomness (BIP 340).
func (k *keyring) sign(r keyRef, digest, aux [32]byte) ([]byte, error) {
	key, err := derive(k.branch[r.branch], r.index)
	if err != nil {
		return nil, err
	}
	priv, err := key.ECPrivKey()
	if err != nil {
		return nil, fmt.Errorf("derive key %d: %w", r.index, err)
	}
	return signTaproot(priv, digest, aux)
}

func signTaproot(internalKey *btcec.PrivateKey, digest, aux [32]byte) ([]byte, error) {
	sig, err := schnorr.Sign(txscript.TweakTaprootPrivKey(*internalKey, nil), digest[:], schnorr.CustomNonce(aux))
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	return sig.Serialize(), nil
}
