package consensus

import (
	"cheese/coin"
)

// lockTimeThreshold parts lock times that are heights from those that are Unix seconds.
const lockTimeThreshold = 500_000_000

// Parts of an input's sequence number (BIP 68).
const (
	sequenceDisabled = 1 << 31 // no relative lock
	sequenceTime     = 1 << 22 // the lock counts units of 512 s, not blocks
	sequenceMask     = 0xffff
	sequenceShift    = 9 // 512 s in bits
)

// Ancestors tells the past of the block that is judged.
type Ancestors interface {
	// MedianTime returns the median time past in Unix seconds of the ancestor at that height.
	MedianTime(height int32) uint32
}

// IsFinal tells whether a transaction's lock time lets it into a block at that height. medianTime is the median time
// past of the block's parent (BIP 113), in Unix seconds.
func IsFinal(tx *coin.Tx, height int32, medianTime uint32) bool {
	reached := medianTime
	if tx.LockTime < lockTimeThreshold {
		reached = uint32(height)
	}
	if tx.LockTime == 0 || tx.LockTime < reached {
		return true
	}
	for i := range tx.In {
		if tx.In[i].Sequence != coin.SequenceFinal {
			return false
		}
	}
	return true
}

// SequenceLocks returns the last height and the last median time past (Unix seconds) at which a transaction is still
// locked by BIP 68's relative lock times, -1 for none. heights are those of the coins it spends, in input order; for
// a coin still in the pool it is the height of the block to come.
func SequenceLocks(tx *coin.Tx, heights []int32, past Ancestors) (minHeight int32, minTime int64) {
	minHeight, minTime = -1, -1
	if uint32(tx.Version) < 2 { // the version is unsigned here: a negative one is large
		return minHeight, minTime
	}
	for i := range tx.In {
		seq := tx.In[i].Sequence
		if seq&sequenceDisabled != 0 {
			continue
		}
		lock := seq & sequenceMask
		if seq&sequenceTime != 0 {
			// Counted from the earliest time the coin's block could have had: the median past of its parent.
			from := int64(past.MedianTime(max(heights[i]-1, 0)))
			minTime = max(minTime, from+int64(lock)<<sequenceShift-1)
		} else {
			minHeight = max(minHeight, heights[i]+int32(lock)-1)
		}
	}
	return minHeight, minTime
}

// LocksOpen tells whether what SequenceLocks returned lets a transaction into a block at that height whose parent
// has that median time past.
func LocksOpen(minHeight int32, minTime int64, height int32, medianTime uint32) bool {
	return minHeight < height && minTime < int64(medianTime)
}
