package wallet

import (
	"bytes"
	"testing"

	"cheese/coin"
)

func FuzzRecord(f *testing.F) {
	tx := &coin.Tx{Version: 2, In: []coin.TxIn{{Prev: coin.OutPoint{Index: 3}, Witness: [][]byte{{1, 2}}}}, Out: []coin.TxOut{{Value: 5, Script: nobody}}}
	f.Add((&record{kind: KindSent, net: -7, fee: 2, seen: 9, time: 9, height: -1, own: true, trusted: true, blockers: 1, peer: nobody, tx: tx}).encode())
	f.Add((&record{kind: KindMined, net: 50, height: 12, position: 3, settled: true}).encode())
	f.Add([]byte{0})
	f.Fuzz(func(t *testing.T, b []byte) {
		var id coin.Hash
		if len(b) > 90 { // where an open record's transaction may stand, so that its id fits
			for start := 78; start < min(len(b), 140); start++ {
				if tx, err := coin.ParseTx(b[start:]); err == nil {
					id = tx.ID()
					break
				}
			}
		}
		r, err := decodeRecord(id, b)
		if err != nil {
			return
		}
		again, err := decodeRecord(id, r.encode())
		if err != nil || !bytes.Equal(again.encode(), r.encode()) {
			t.Fatalf("%+v comes back as %+v, %v", r, again, err)
		}
	})
}
