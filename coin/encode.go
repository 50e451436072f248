package coin

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// MaxSize bounds every length prefix, as Core's MAX_SIZE does: 32 MiB.
const MaxSize = 0x02000000

// ErrNonCanonical is returned for a CompactSize that a shorter form could hold.
var ErrNonCanonical = errors.New("non-canonical length prefix")

// Reader decodes Bitcoin's little-endian wire format from a buffer. The first failure sticks: later reads return
// zero values and Err reports it, so a caller checks once at the end. Slices it returns alias the buffer.
type Reader struct {
	buf []byte
	pos int
	err error
}

// NewReader reads from b, which must not be changed while anything read from it is in use.
func NewReader(b []byte) *Reader { return &Reader{buf: b} }

// Err returns the first failure, io.ErrUnexpectedEOF where the buffer was too short.
func (r *Reader) Err() error { return r.err }

// Len returns how many bytes are left.
func (r *Reader) Len() int { return len(r.buf) - r.pos }

// Offset returns how many bytes have been read.
func (r *Reader) Offset() int { return r.pos }

// Fail records err unless an earlier failure stands.
func (r *Reader) Fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

// Finish returns the first failure, or an error where bytes are left over.
func (r *Reader) Finish() error {
	if r.err == nil && r.Len() > 0 {
		return fmt.Errorf("%d bytes left over", r.Len())
	}
	return r.err
}

// Bytes returns the next n bytes, aliasing the buffer.
func (r *Reader) Bytes(n int) []byte {
	if r.err != nil {
		return nil
	}
	if n < 0 || n > r.Len() {
		r.Fail(io.ErrUnexpectedEOF)
		return nil
	}
	b := r.buf[r.pos : r.pos+n : r.pos+n]
	r.pos += n
	return b
}

// Uint8 reads a byte.
func (r *Reader) Uint8() uint8 {
	if b := r.Bytes(1); b != nil {
		return b[0]
	}
	return 0
}

// Uint16BE reads a big-endian 16-bit number, as ports are sent.
func (r *Reader) Uint16BE() uint16 {
	if b := r.Bytes(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

// Uint32 reads a little-endian 32-bit number.
func (r *Reader) Uint32() uint32 {
	if b := r.Bytes(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

// Uint64 reads a little-endian 64-bit number.
func (r *Reader) Uint64() uint64 {
	if b := r.Bytes(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// Hash reads 32 bytes.
func (r *Reader) Hash() (h Hash) {
	copy(h[:], r.Bytes(32))
	return h
}

// CompactSize reads a length prefix, which must be in its shortest form and at most MaxSize.
func (r *Reader) CompactSize() int {
	n := r.CompactUint()
	if n > MaxSize {
		r.Fail(fmt.Errorf("length prefix %d is over the limit of %d", n, MaxSize))
		return 0
	}
	return int(n)
}

// CompactUint reads a number in CompactSize form without MaxSize's bound.
func (r *Reader) CompactUint() uint64 {
	var n, least uint64
	switch first := r.Uint8(); first {
	case 0xfd:
		if b := r.Bytes(2); b != nil {
			n = uint64(binary.LittleEndian.Uint16(b))
		}
		least = 0xfd
	case 0xfe:
		n, least = uint64(r.Uint32()), 0x10000
	case 0xff:
		n, least = r.Uint64(), 0x100000000
	default:
		return uint64(first)
	}
	if r.err == nil && n < least {
		r.Fail(ErrNonCanonical)
	}
	if r.err != nil {
		return 0
	}
	return n
}

// Count reads a length prefix of items that take at least each bytes apiece, so that a short message cannot ask for
// a large allocation.
func (r *Reader) Count(each int) int {
	n := r.CompactSize()
	if r.err == nil && n > r.Len()/each {
		r.Fail(io.ErrUnexpectedEOF)
		return 0
	}
	return n
}

// VarBytes reads a length prefix and that many bytes, aliasing the buffer. An empty string is non-nil unless reading failed.
func (r *Reader) VarBytes() []byte { return r.Bytes(r.CompactSize()) }

// AppendCompactSize appends n in its shortest form.
func AppendCompactSize(b []byte, n uint64) []byte {
	switch {
	case n < 0xfd:
		return append(b, byte(n))
	case n <= 0xffff:
		return binary.LittleEndian.AppendUint16(append(b, 0xfd), uint16(n))
	case n <= 0xffffffff:
		return binary.LittleEndian.AppendUint32(append(b, 0xfe), uint32(n))
	}
	return binary.LittleEndian.AppendUint64(append(b, 0xff), n)
}

// CompactSizeLen returns how many bytes AppendCompactSize writes.
func CompactSizeLen(n uint64) int {
	switch {
	case n < 0xfd:
		return 1
	case n <= 0xffff:
		return 3
	case n <= 0xffffffff:
		return 5
	}
	return 9
}

// AppendVarBytes appends a length prefix and s.
func AppendVarBytes(b, s []byte) []byte { return append(AppendCompactSize(b, uint64(len(s))), s...) }
