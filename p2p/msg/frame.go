package msg

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"cheese/coin"
)

const (
	// HeaderSize is the frame header's size in bytes: magic, command, payload length, checksum.
	HeaderSize = 24
	// MaxPayload bounds a payload in bytes, as Core's MAX_PROTOCOL_MESSAGE_LENGTH does.
	MaxPayload = 4_000_000
	// commandSize is the width of the command, padded with zero bytes.
	commandSize = 12
	// growBy is how many bytes of an announced payload are allocated at first, so that a header alone cannot claim MaxPayload.
	growBy = 256 << 10
)

// What can be wrong with a frame, for errors.Is.
var (
	ErrMagic    = errors.New("wrong network magic")
	ErrCommand  = errors.New("malformed command")
	ErrOversize = errors.New("message too long")
	ErrChecksum = errors.New("wrong checksum")
)

// MagicError tells which magic a frame had instead of the network's own. It is an ErrMagic.
type MagicError struct {
	Got     [4]byte
	Command string // where the rest looks like a Bitcoin frame, else ""
}

// Error names the bytes found.
func (e *MagicError) Error() string { return fmt.Sprintf("%v %x", ErrMagic, e.Got) }

// Is makes errors.Is(err, ErrMagic) true.
func (e *MagicError) Is(target error) bool { return target == ErrMagic }

// Header is a decoded frame header.
type Header struct {
	Command  string
	Length   int // of the payload in bytes
	Checksum [4]byte
}

// ParseHeader reads a frame header on the network of that magic.
func ParseHeader(b [HeaderSize]byte, magic [4]byte) (Header, error) {
	command, ok := parseCommand(b[4 : 4+commandSize])
	if got := [4]byte(b[:4]); got != magic {
		return Header{}, &MagicError{Got: got, Command: command}
	}
	if !ok {
		return Header{}, fmt.Errorf("%w %q", ErrCommand, b[4:4+commandSize])
	}
	n := binary.LittleEndian.Uint32(b[16:20])
	if n > MaxPayload {
		return Header{}, fmt.Errorf("%w: %s of %d bytes, the limit is %d", ErrOversize, command, n, MaxPayload)
	}
	return Header{Command: command, Length: int(n), Checksum: [4]byte(b[20:24])}, nil
}

// parseCommand accepts printable ASCII followed by zero bytes only.
func parseCommand(b []byte) (string, bool) {
	name := bytes.TrimRight(b, "\x00")
	for _, c := range name {
		if c < ' ' || c > '~' {
			return "", false
		}
	}
	return string(name), len(name) > 0
}

// Check tells whether payload has the checksum that h announced.
func (h Header) Check(payload []byte) error {
	sum := coin.DoubleSHA(payload)
	if [4]byte(sum[:4]) != h.Checksum {
		return fmt.Errorf("%w of %s", ErrChecksum, h.Command)
	}
	return nil
}

// Read reads one frame. The payload is a fresh buffer that grows as bytes come in.
func Read(r io.Reader, magic [4]byte) (command string, payload []byte, err error) {
	var raw [HeaderSize]byte
	if _, err := io.ReadFull(r, raw[:]); err != nil {
		return "", nil, err
	}
	h, err := ParseHeader(raw, magic)
	if err != nil {
		return "", nil, err
	}
	if payload, err = readPayload(r, h.Length); err != nil {
		return h.Command, nil, err
	}
	return h.Command, payload, h.Check(payload)
}

func readPayload(r io.Reader, n int) ([]byte, error) {
	payload := make([]byte, min(n, growBy))
	for have := 0; ; {
		if _, err := io.ReadFull(r, payload[have:]); err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
		if have = len(payload); have == n {
			return payload, nil
		}
		grown := make([]byte, min(n, 2*have))
		copy(grown, payload)
		payload = grown
	}
}

// Frame returns the whole frame of m.
func Frame(magic [4]byte, m Message) []byte {
	b := make([]byte, HeaderSize, HeaderSize+SizeHint(m))
	copy(b, magic[:])
	copy(b[4:4+commandSize], m.Command())
	b = m.Append(b)
	payload := b[HeaderSize:]
	binary.LittleEndian.PutUint32(b[16:20], uint32(len(payload)))
	sum := coin.DoubleSHA(payload)
	copy(b[20:24], sum[:4])
	return b
}

// SizeHint estimates the payload's size in bytes, exactly where it may be large.
func SizeHint(m Message) int {
	switch m := m.(type) {
	case *Block:
		return m.Block.Size()
	case *Tx:
		return m.Tx.Size()
	case *Headers:
		return 9 + len(m.Headers)*(coin.HeaderSize+1)
	case *Inv:
		return 9 + len(m.Items)*itemSize
	case *GetData:
		return 9 + len(m.Items)*itemSize
	}
	return 128
}
