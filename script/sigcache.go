package script

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"sync"
)

// cacheWays is how many places an entry may be in.
const cacheWays = 4

// sigCache remembers valid signatures in a table of fixed size. An entry is a salted SHA-256, so nobody outside can
// choose where a signature goes or what it displaces: eviction is as random as the hash.
type sigCache struct {
	salt [32]byte
	sets []cacheSet
}

type cacheSet struct {
	mu      sync.Mutex
	entries [cacheWays][32]byte // zero: free
}

// newSigCache makes room for at least entries signatures; none when that is zero or less.
func newSigCache(entries int) *sigCache {
	c := &sigCache{sets: make([]cacheSet, (max(0, entries)+cacheWays-1)/cacheWays)}
	rand.Read(c.salt[:]) // never fails
	return c
}

// key names a signature under a public key over a digest. The last part is what has no fixed length.
func (c *sigCache) key(digest [32]byte, pubKey, sig []byte) [32]byte {
	b := append(make([]byte, 0, 256), c.salt[:]...)
	b = append(b, digest[:]...)
	b = append(append(b, byte(len(pubKey))), pubKey...)
	return sha256.Sum256(append(b, sig...))
}

func (c *sigCache) set(key [32]byte) *cacheSet {
	return &c.sets[binary.LittleEndian.Uint64(key[:])%uint64(len(c.sets))]
}

func (c *sigCache) has(key [32]byte) bool {
	if len(c.sets) == 0 {
		return false
	}
	set := c.set(key)
	set.mu.Lock()
	defer set.mu.Unlock()
	for i := range set.entries {
		if set.entries[i] == key {
			return true
		}
	}
	return false
}

func (c *sigCache) add(key [32]byte) {
	if len(c.sets) == 0 {
		return
	}
	set := c.set(key)
	set.mu.Lock()
	defer set.mu.Unlock()
	victim := int(key[31]) % cacheWays
	for i := range set.entries {
		if set.entries[i] == key {
			return
		}
		if set.entries[i] == [32]byte{} {
			victim = i
		}
	}
	set.entries[victim] = key
}
