package chain

import (
	"bytes"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"cheese/coin"
)

// A block that no longer fits begins the next file.
func TestBlockFilesRollOver(t *testing.T) {
	b := coin.Regtest().Genesis
	f := &blockFiles{fs: vfs.Default, dir: t.TempDir(), magic: [4]byte{1, 2, 3, 4}}
	f.end = maxBlockFile - frameSize - int64(b.Size()) // what is before is a hole
	var places []place
	for range 3 {
		p, err := f.append(b.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		places = append(places, p)
	}
	if err := f.close(); err != nil {
		t.Fatal(err)
	}
	want := []place{{file: 0, offset: maxBlockFile - uint32(b.Size())}, {file: 1, offset: frameSize}, {file: 1, offset: 2*frameSize + uint32(b.Size())}}
	again := &blockFiles{fs: f.fs, dir: f.dir, magic: f.magic}
	for i, p := range places {
		if p.file != want[i].file || p.offset != want[i].offset {
			t.Errorf("block %d is at %+v", i, p)
		}
		if got, err := again.block(p, b.Hash()); err != nil || !bytes.Equal(got.Bytes(), b.Bytes()) {
			t.Errorf("block %d: %v", i, err)
		}
		again.grow(p)
	}
	if again.file != f.file || again.end != f.end {
		t.Errorf("writing would go on at %d in file %d", again.end, again.file)
	}
}
