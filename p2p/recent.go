package p2p

// recent is a set that remembers the last max things put into it.
type recent[K comparable] struct {
	set  map[K]struct{}
	ring []K
	next int // where the ring is overwritten once it is full
	max  int
}

func newRecent[K comparable](max int) *recent[K] {
	return &recent[K]{set: map[K]struct{}{}, max: max}
}

func (r *recent[K]) has(k K) bool {
	_, ok := r.set[k]
	return ok
}

// add puts k in and tells whether it is new.
func (r *recent[K]) add(k K) bool {
	if r.has(k) {
		return false
	}
	if len(r.ring) < r.max {
		r.ring = append(r.ring, k)
	} else {
		delete(r.set, r.ring[r.next])
		r.ring[r.next] = k
		r.next = (r.next + 1) % r.max
	}
	r.set[k] = struct{}{}
	return true
}

func (r *recent[K]) clear() {
	clear(r.set)
	r.ring, r.next = r.ring[:0], 0
}
