package wallet

import (
	"crypto/hmac"
	"crypto/sha512"
	"encoding/binary"
	"fmt"
	"slices"

	"cheese/coin"
	"cheese/script"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/btcutil/v2/hdkeychain"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/tyler-smith/go-bip39"
)

// The branches of a BIP 86 account: addresses that are given to others, and change.
const (
	external = 0
	internal = 1
	branches = 2
)

// gapLimit is how many addresses past the last used one are watched on each branch, as BIP 44 asks, so that restoring
// from the words finds payments to addresses that were handed out in another order.
const gapLimit = 20

// keyRef names a key by its place under the account: m/86'/coin'/account'/branch/index.
type keyRef struct {
	branch uint32
	index  uint32
}

// keyring derives the keys of one BIP 86 account and knows their output scripts.
type keyring struct {
	branch [branches]branchKey
	known  [branches][][]byte // output scripts by index
	refs   map[string]keyRef  // by output script
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
		node, err := derive(key, uint32(b))
		if err != nil {
			return nil, err
		}
		if k.branch[b], err = newBranchKey(node); err != nil {
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

// branchKey is the parent of a branch's keys. Its children are not hardened, and hdkeychain would take three times as
// long to find the addresses of a few thousand of them.
type branchKey struct {
	private   btcec.ModNScalar
	public    []byte // compressed
	chainCode []byte
}

func newBranchKey(node *hdkeychain.ExtendedKey) (branchKey, error) {
	private, err := node.ECPrivKey()
	if err != nil {
		return branchKey{}, fmt.Errorf("derive a branch: %w", err)
	}
	return branchKey{private: private.Key, public: private.PubKey().SerializeCompressed(), chainCode: node.ChainCode()}, nil
}

// child returns the private key at an index (BIP 32, CKDpriv).
func (b *branchKey) child(index uint32) (btcec.ModNScalar, error) {
	mac := hmac.New(sha512.New, b.chainCode)
	mac.Write(binary.BigEndian.AppendUint32(slices.Clone(b.public), index))
	var key btcec.ModNScalar
	if overflow := key.SetByteSlice(mac.Sum(nil)[:32]); overflow || key.Add(&b.private).IsZero() {
		return key, fmt.Errorf("key %d does not exist", index) // a one in 2^127 chance that BIP 32 says to skip
	}
	return key, nil
}

// tweak turns an internal private key into that of the output without script paths (BIP 341, taproot_tweak_seckey).
func tweak(key btcec.ModNScalar) btcec.ModNScalar {
	x, odd := multiply(&key)
	if odd {
		key.Negate()
	}
	var t btcec.ModNScalar
	t.SetBytes((*[32]byte)(chainhash.TaggedHash(chainhash.TagTapTweak, x[:])))
	return *t.Add(&key)
}

// multiply returns the x coordinate of a private key's point, and whether y is odd.
func multiply(key *btcec.ModNScalar) (x [32]byte, odd bool) {
	var p btcec.JacobianPoint
	btcec.ScalarBaseMultNonConst(key, &p)
	p.ToAffine()
	return *p.X.Bytes(), p.Y.IsOdd()
}

// extend makes the scripts of a branch known up to and without index n.
func (k *keyring) extend(branch, n uint32) error {
	for i := uint32(len(k.known[branch])); i < n; i++ {
		key, err := k.branch[branch].child(i)
		if err != nil {
			return err
		}
		key = tweak(key)
		x, _ := multiply(&key)
		s := script.PayToTaproot(x)
		k.known[branch] = append(k.known[branch], s)
		k.refs[string(s)] = keyRef{branch: branch, index: i}
	}
	return nil
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
	key, err := k.branch[r.branch].child(r.index)
	if err != nil {
		return nil, err
	}
	return signTaproot(key, digest, aux)
}

func signTaproot(internalKey btcec.ModNScalar, digest, aux [32]byte) ([]byte, error) {
	key := tweak(internalKey)
	sig, err := schnorr.Sign(btcec.PrivKeyFromScalar(&key), digest[:], schnorr.CustomNonce(aux))
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	return sig.Serialize(), nil
}
