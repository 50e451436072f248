package chain

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"

	"github.com/cockroachdb/pebble/v2/vfs"

	"cheese/coin"
)

const (
	// maxBlockFile is where one block file ends and the next begins, in bytes, as in Bitcoin Core.
	maxBlockFile = 128 << 20
	// frameSize is what stands before each block: network magic and length, four bytes each.
	frameSize = 8
)

// place says where a block's bytes are: they start at offset of the file, behind the frame.
type place struct {
	file, offset, size uint32
	sum                uint32 // CRC-32C of the bytes
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// CorruptError says that a block file does not hold what was written to it.
type CorruptError struct {
	File   string // path of the block file
	Offset int64  // of the block in it, in bytes
	Block  coin.Hash
	Err    error // what is wrong
}

// Error names file, place and block.
func (e *CorruptError) Error() string {
	return fmt.Sprintf("block file %s is damaged at byte %d, where block %v should be: %v", e.File, e.Offset, e.Block, e.Err)
}

// Unwrap returns what is wrong.
func (e *CorruptError) Unwrap() error { return e.Err }

// blockFiles appends to and reads from the block files. One goroutine writes; reading needs no lock, since what a
// place points to never changes.
type blockFiles struct {
	fs    vfs.FS
	dir   string
	magic [4]byte

	file     uint32 // the one that is written
	end      int64  // where its next frame goes
	w        vfs.File
	unsynced bool
}

func (f *blockFiles) path(file uint32) string {
	return f.fs.PathJoin(f.dir, fmt.Sprintf("blk%05d.dat", file))
}

// grow makes the end at least the end of p, for files that were there before.
func (f *blockFiles) grow(p place) {
	if end := int64(p.offset) + int64(p.size); p.file > f.file || p.file == f.file && end > f.end {
		f.file, f.end = p.file, end
	}
}

// append writes a block behind the last one. It is on disk once sync returns.
func (f *blockFiles) append(raw []byte) (place, error) {
	if f.end > 0 && f.end+frameSize+int64(len(raw)) > maxBlockFile {
		if err := f.close(); err != nil {
			return place{}, err
		}
		f.file, f.end = f.file+1, 0
	}
	if f.w == nil {
		if err := f.open(); err != nil {
			return place{}, err
		}
	}
	frame := append(make([]byte, 0, frameSize+len(raw)), f.magic[:]...)
	frame = binary.LittleEndian.AppendUint32(frame, uint32(len(raw)))
	frame = append(frame, raw...)
	if _, err := f.w.WriteAt(frame, f.end); err != nil {
		return place{}, fmt.Errorf("write block file: %w", err)
	}
	p := place{file: f.file, offset: uint32(f.end) + frameSize, size: uint32(len(raw)), sum: crc32.Checksum(raw, castagnoli)}
	f.end += int64(len(frame))
	f.unsynced = true
	return p, nil
}

func (f *blockFiles) open() error {
	w, err := f.fs.OpenReadWrite(f.path(f.file), vfs.WriteCategoryUnspecified)
	if err != nil {
		return fmt.Errorf("open block file: %w", err)
	}
	f.w = w
	return syncDir(f.fs, f.dir) // a new file's name must be as durable as its bytes
}

// sync makes all that was appended durable.
func (f *blockFiles) sync() error {
	if !f.unsynced {
		return nil
	}
	if err := f.w.Sync(); err != nil {
		return fmt.Errorf("sync block file: %w", err)
	}
	f.unsynced = false
	return nil
}

// close syncs and closes the file that is written; append opens it again.
func (f *blockFiles) close() error {
	if f.w == nil {
		return nil
	}
	err := f.sync()
	err = errors.Join(err, f.w.Close())
	f.w = nil
	return err
}

// read returns the bytes of the block with that hash, or a *CorruptError.
func (f *blockFiles) read(p place, hash coin.Hash) ([]byte, error) {
	path := f.path(p.file)
	corrupt := func(err error) error { return &CorruptError{path, int64(p.offset), hash, err} }
	r, err := f.fs.Open(path)
	if err != nil {
		return nil, corrupt(err)
	}
	defer r.Close()
	raw := make([]byte, frameSize+p.size)
	if _, err := r.ReadAt(raw, int64(p.offset)-frameSize); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read block file: %w", err)
	} else if err != nil {
		return nil, corrupt(io.ErrUnexpectedEOF)
	}
	want := binary.LittleEndian.AppendUint32(slices.Clone(f.magic[:]), p.size)
	if !slices.Equal(raw[:frameSize], want) {
		return nil, corrupt(errors.New("no block begins here"))
	}
	if raw = raw[frameSize:]; crc32.Checksum(raw, castagnoli) != p.sum {
		return nil, corrupt(errors.New("checksum mismatch"))
	}
	return raw, nil
}

// block reads and parses the block with that hash.
func (f *blockFiles) block(p place, hash coin.Hash) (*coin.Block, error) {
	raw, err := f.read(p, hash)
	if err != nil {
		return nil, err
	}
	b, err := coin.ParseBlock(raw)
	if err == nil && b.Hash() != hash {
		err = fmt.Errorf("block %v is there", b.Hash())
	}
	if err != nil {
		return nil, &CorruptError{f.path(p.file), int64(p.offset), hash, err}
	}
	return b, nil
}

func syncDir(fs vfs.FS, dir string) error {
	d, err := fs.OpenDir(dir)
	if err != nil {
		return fmt.Errorf("sync directory: %w", err)
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("sync directory %s: %w", dir, err)
	}
	return nil
}

// makeDir makes a directory and those above it that are missing, all of them durable.
func makeDir(fs vfs.FS, dir string) error {
	if info, err := fs.Stat(dir); err == nil && info.IsDir() {
		return nil
	}
	parent := fs.PathDir(dir)
	if parent != dir {
		if err := makeDir(fs, parent); err != nil {
			return err
		}
	}
	if err := fs.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return syncDir(fs, parent)
}
