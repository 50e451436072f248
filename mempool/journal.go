package mempool

// Limits on the changes that are remembered for slow readers: how many, and how much memory their transactions may take
// where the pool no longer holds them.
const (
	maxJournal      = 10_000
	maxJournalBytes = 20_000_000
)

// journal remembers the latest changes.
type journal struct {
	changes []Change
	first   uint64 // the Seq of changes[0]
	memory  int64
}

// next returns the number of the change to come.
func (j *journal) next() uint64 { return j.first + uint64(len(j.changes)) }

func (j *journal) append(c Change) {
	c.Seq = j.next()
	j.changes = append(j.changes, c)
	j.memory += c.Entry.memory()
	for len(j.changes) > maxJournal || j.memory > maxJournalBytes {
		j.memory -= j.changes[0].Entry.memory()
		j.changes[0] = Change{}
		j.changes, j.first = j.changes[1:], j.first+1
	}
}

func (j *journal) since(seq uint64, most int) (changes []Change, next uint64, lost bool) {
	if seq > j.next() || seq < j.first {
		return nil, seq, true
	}
	rest := j.changes[seq-j.first:]
	rest = rest[:min(len(rest), most)]
	return append(changes, rest...), seq + uint64(len(rest)), false
}
