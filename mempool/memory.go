package mempool

// The pool's memory is counted as Bitcoin Core 28 counts its own on 64-bit machines (memusage.h), so that both are full
// at the same moment and throw out the same. Sizes are in bytes.
const (
	pointerSize   = 8
	vectorSize    = 24 // of an empty std::vector
	sharedSize    = 16 // of a shared_ptr
	txSize        = 128
	txInSize      = 104
	txOutSize     = 40
	entrySize     = 272
	indexPointers = 15 // what the pool's indexes add to an entry
	scriptInside  = 28 // a script up to this long needs no memory of its own
)

// Of nodes in std::set and std::map.
var (
	linkMemory    = 2 * allocated(40) // a parent in its child's set and the child in its parent's
	spendMemory   = allocated(48)
	deltaMemory   = allocated(72) // an amount that Prioritise set
	counterMemory = allocated(24) // of a shared_ptr
	entryMemory   = allocated(entrySize + indexPointers*pointerSize)
)

// allocated returns what malloc takes for size bytes.
func allocated(size int) int64 {
	if size == 0 {
		return 0
	}
	return int64((size + 31) >> 4 << 4)
}

// memory returns what an entry takes in Core, relatives aside.
func (e *Entry) memory() int64 {
	tx := e.Tx
	n := entryMemory + spendMemory*int64(len(tx.In)) + allocated(txSize) + counterMemory +
		allocated(txInSize*len(tx.In)) + allocated(txOutSize*len(tx.Out))
	for i := range tx.In {
		in := &tx.In[i]
		n += scriptMemory(in.Script) + allocated(vectorSize*len(in.Witness))
		for _, item := range in.Witness {
			n += allocated(len(item))
		}
	}
	for i := range tx.Out {
		n += scriptMemory(tx.Out[i].Script)
	}
	return n
}

func scriptMemory(s []byte) int64 {
	if len(s) <= scriptInside {
		return 0
	}
	return allocated(len(s))
}

// memory returns what the graph takes in Core.
func (g *graph) memory() int64 {
	return g.usage + linkMemory*int64(g.links) + allocated(sharedSize*g.places) + deltaMemory*int64(g.deltas)
}

// grow and shrink follow the capacity of the std::vector in which Core keeps the transactions to draw from.
func (g *graph) grow() {
	if n := g.entries.len; n > g.places { // the new one counts already
		g.places = max(1, 2*(n-1))
	}
}

func (g *graph) shrink() {
	if n := g.entries.len; n > 0 && 2*n < g.places {
		g.places = n
	}
}
