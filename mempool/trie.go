package mempool

import (
	"hash/maphash"
	"iter"
	"math/bits"
	"slices"
)

// trie is a map whose snapshots cost nothing: a copy of the struct keeps seeing what was there, because whoever writes
// copies the nodes on its path unless it made them itself since the last snapshot. It is a hash array mapped trie
// (Bagwell, "Ideal Hash Trees", 2001) of five bits a level. The hash is seeded, so nobody outside can choose keys that
// pile up.
type trie[K comparable, V any] struct {
	root *branch[K, V]
	len  int
	edit *edition // marks the nodes that may be changed in place
}

// edition is compared by address; it has a size so that each has its own.
type edition struct{ _ byte }

// branch has a child for each set bit of mask.
type branch[K comparable, V any] struct {
	mask  uint32
	slots []slot[K, V]
	edit  *edition
}

// slot holds either a deeper branch or the pairs of one hash, nearly always a single one.
type slot[K comparable, V any] struct {
	deeper *branch[K, V]
	hash   uint64
	pairs  []pair[K, V]
}

type pair[K comparable, V any] struct {
	key K
	val V
}

const trieBits = 5

var trieSeed = maphash.MakeSeed()

// snapshot returns a copy that later writes to t do not reach. Only t is written to from then on.
func (t *trie[K, V]) snapshot() trie[K, V] {
	t.edit = nil
	return *t
}

func (t *trie[K, V]) get(key K) (val V, ok bool) {
	hash, b := maphash.Comparable(trieSeed, key), t.root
	for shift := 0; b != nil; shift += trieBits {
		at, there := b.find(hash, shift)
		if !there {
			return val, false
		}
		s := &b.slots[at]
		if s.deeper != nil {
			b = s.deeper
			continue
		}
		for i := range s.pairs {
			if s.pairs[i].key == key {
				return s.pairs[i].val, true
			}
		}
		return val, false
	}
	return val, false
}

// find returns where the child for hash is or would be.
func (b *branch[K, V]) find(hash uint64, shift int) (at int, there bool) {
	bit := uint32(1) << (hash >> shift & (1<<trieBits - 1))
	return bits.OnesCount32(b.mask & (bit - 1)), b.mask&bit != 0
}

func (t *trie[K, V]) set(key K, val V) {
	if t.edit == nil {
		t.edit = new(edition)
	}
	var grew bool
	t.root, grew = t.put(t.root, 0, slot[K, V]{hash: maphash.Comparable(trieSeed, key), pairs: []pair[K, V]{{key, val}}})
	if grew {
		t.len++
	}
}

// own returns b itself where it may be changed in place, or a copy that may.
func (t *trie[K, V]) own(b *branch[K, V]) *branch[K, V] {
	switch {
	case b == nil:
		return &branch[K, V]{edit: t.edit}
	case b.edit == t.edit:
		return b
	}
	return &branch[K, V]{mask: b.mask, slots: slices.Clone(b.slots), edit: t.edit}
}

// put adds the one pair of leaf below b and tells whether its key is new.
func (t *trie[K, V]) put(b *branch[K, V], shift int, leaf slot[K, V]) (*branch[K, V], bool) {
	b = t.own(b)
	at, there := b.find(leaf.hash, shift)
	if !there {
		b.mask |= 1 << (leaf.hash >> shift & (1<<trieBits - 1))
		b.slots = slices.Insert(b.slots, at, leaf)
		return b, true
	}
	s := &b.slots[at]
	if s.deeper == nil && s.hash == leaf.hash {
		return b, s.replace(leaf.pairs[0])
	}
	if s.deeper == nil { // two hashes share this prefix: move the older one down
		old := *s
		*s = slot[K, V]{deeper: &branch[K, V]{mask: 1 << (old.hash >> (shift + trieBits) & (1<<trieBits - 1)),
			slots: []slot[K, V]{old}, edit: t.edit}}
	}
	var grew bool
	s.deeper, grew = t.put(s.deeper, shift+trieBits, leaf)
	return b, grew
}

// replace sets p among the pairs of its hash, in a fresh slice since snapshots share the old one.
func (s *slot[K, V]) replace(p pair[K, V]) (grew bool) {
	pairs := slices.Clone(s.pairs)
	i := slices.IndexFunc(pairs, func(o pair[K, V]) bool { return o.key == p.key })
	if i < 0 {
		s.pairs = append(pairs, p)
		return true
	}
	pairs[i], s.pairs = p, pairs
	return false
}

func (t *trie[K, V]) delete(key K) {
	if _, ok := t.get(key); !ok {
		return
	}
	if t.edit == nil {
		t.edit = new(edition)
	}
	t.root = t.cut(t.root, 0, maphash.Comparable(trieSeed, key), key)
	t.len--
}

// cut removes key, which is there, from below b and returns what is left, nil where that is nothing.
func (t *trie[K, V]) cut(b *branch[K, V], shift int, hash uint64, key K) *branch[K, V] {
	b = t.own(b)
	at, _ := b.find(hash, shift)
	s := &b.slots[at]
	if s.deeper != nil {
		s.deeper = t.cut(s.deeper, shift+trieBits, hash, key)
	} else {
		s.pairs = slices.DeleteFunc(slices.Clone(s.pairs), func(p pair[K, V]) bool { return p.key == key })
	}
	if s.deeper == nil && len(s.pairs) == 0 {
		b.mask &^= 1 << (hash >> shift & (1<<trieBits - 1))
		b.slots = slices.Delete(b.slots, at, at+1)
	}
	if len(b.slots) == 0 {
		return nil
	}
	return b
}

// all ranges over the pairs in no particular order.
func (t *trie[K, V]) all() iter.Seq2[K, V] {
	return func(yield func(K, V) bool) { t.root.each(yield) }
}

func (b *branch[K, V]) each(yield func(K, V) bool) bool {
	if b == nil {
		return true
	}
	for i := range b.slots {
		for _, p := range b.slots[i].pairs {
			if !yield(p.key, p.val) {
				return false
			}
		}
		if !b.slots[i].deeper.each(yield) {
			return false
		}
	}
	return true
}
