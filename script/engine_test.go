package script

import (
	"testing"

	"github.com/btcsuite/btcd/wire/v2"

	"cheese/coin"
)

// The engine's signature cache keeps parts of scripts and witnesses; they must not be parts of a block's buffer.
func TestEngineKeepsNoBuffer(t *testing.T) {
	buffer := []byte{1, 2, 3}
	tx := &coin.Tx{In: []coin.TxIn{{Script: buffer[:1], Witness: [][]byte{buffer[1:2]}}}}
	e := NewSpend(tx, []coin.TxOut{{Script: buffer[2:]}}).engineTx()
	clear(buffer)
	in := e.tx.TxIn[0]
	prev := e.prev[wire.OutPoint{}]
	if in.SignatureScript[0] != 1 || in.Witness[0][0] != 2 || prev.PkScript[0] != 3 {
		t.Errorf("the engine holds the caller's bytes: %v, %v, %v", in.SignatureScript, in.Witness, prev.PkScript)
	}
}
