package tracker

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
)

// Limits of the decoder; the caller bounds the length of the whole text.
const (
	maxBencodeDepth    = 8       // lists and dictionaries inside each other
	maxBencodeElements = 100_000 // values in one text
)

// value is one bencoded value (BEP 3): a number, text, list or dict.
type value interface {
	appendTo(dst []byte) []byte
}

type (
	number int64
	text   string // any bytes
	list   []value
	dict   map[string]value
)

// encode gives the one canonical encoding of v.
func encode(v value) []byte { return v.appendTo(nil) }

func (n number) appendTo(dst []byte) []byte {
	dst = strconv.AppendInt(append(dst, 'i'), int64(n), 10)
	return append(dst, 'e')
}

func (t text) appendTo(dst []byte) []byte {
	dst = strconv.AppendInt(dst, int64(len(t)), 10)
	return append(append(dst, ':'), t...)
}

func (l list) appendTo(dst []byte) []byte {
	dst = append(dst, 'l')
	for _, v := range l {
		dst = v.appendTo(dst)
	}
	return append(dst, 'e')
}

func (d dict) appendTo(dst []byte) []byte {
	keys := make([]string, 0, len(d))
	for k := range d {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	dst = append(dst, 'd')
	for _, k := range keys {
		dst = d[k].appendTo(text(k).appendTo(dst))
	}
	return append(dst, 'e')
}

// text gives the text at key, or "" if there is none.
func (d dict) text(key string) string {
	t, _ := d[key].(text)
	return string(t)
}

// number gives the number at key, or 0 if there is none.
func (d dict) number(key string) int64 {
	n, _ := d[key].(number)
	return int64(n)
}

// BencodeError says where a text stops being canonical bencode, and why.
type BencodeError struct {
	Offset int // bytes from the start of the text
	Reason string
}

func (e *BencodeError) Error() string {
	return fmt.Sprintf("bencode: %s at byte %d", e.Reason, e.Offset)
}

// decode reads exactly one canonically encoded value: encoding it again gives data back. Errors are *BencodeError.
func decode(data []byte) (value, error) {
	r := bencodeReader{data: data}
	v, err := r.value(0)
	if err != nil {
		return nil, err
	}
	if r.at != len(data) {
		return nil, r.fail("extra bytes after the value")
	}
	return v, nil
}

type bencodeReader struct {
	data     []byte
	at       int
	elements int
}

func (r *bencodeReader) fail(reason string) error { return &BencodeError{Offset: r.at, Reason: reason} }

// next gives the byte at the cursor without moving it; 0 starts no value and ends none, so it stands for the end.
func (r *bencodeReader) next() byte {
	if r.at >= len(r.data) {
		return 0
	}
	return r.data[r.at]
}

func (r *bencodeReader) value(depth int) (value, error) {
	if r.elements++; r.elements > maxBencodeElements {
		return nil, r.fail("too many values")
	}
	if depth > maxBencodeDepth {
		return nil, r.fail("nested too deep")
	}
	switch c := r.next(); {
	case c == 'i':
		r.at++
		return r.number()
	case c >= '0' && c <= '9':
		return r.text()
	case c == 'l':
		r.at++
		return r.list(depth)
	case c == 'd':
		r.at++
		return r.dict(depth)
	case r.at >= len(r.data):
		return nil, r.fail("text ends early")
	default:
		return nil, r.fail(fmt.Sprintf("no value starts with %q", c))
	}
}

func (r *bencodeReader) number() (value, error) {
	n, err := r.integer('e')
	return number(n), err
}

// integer reads canonical decimal digits and the end byte after them.
func (r *bencodeReader) integer(end byte) (int64, error) {
	const longest = len("-9223372036854775808")
	start := r.at
	for r.at < len(r.data) && r.data[r.at] != end && r.at-start <= longest {
		r.at++
	}
	digits := string(r.data[start:r.at])
	if r.next() != end {
		return 0, r.fail("number does not end")
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return 0, r.fail("number out of range")
	case err != nil || strconv.FormatInt(n, 10) != digits:
		return 0, r.fail("malformed number")
	}
	r.at++
	return n, nil
}

func (r *bencodeReader) text() (text, error) {
	n, err := r.integer(':')
	if err != nil {
		return "", err
	}
	if n < 0 || n > int64(len(r.data)-r.at) {
		return "", r.fail("text longer than what is left")
	}
	t := text(r.data[r.at : r.at+int(n)])
	r.at += int(n)
	return t, nil
}

func (r *bencodeReader) list(depth int) (value, error) {
	l := list{}
	for r.next() != 'e' {
		v, err := r.value(depth + 1)
		if err != nil {
			return nil, err
		}
		l = append(l, v)
	}
	r.at++
	return l, nil
}

func (r *bencodeReader) dict(depth int) (value, error) {
	d := dict{}
	last := text("")
	for r.next() != 'e' {
		if c := r.next(); c < '0' || c > '9' {
			return nil, r.fail("dictionary key is not text")
		}
		k, err := r.text()
		if err != nil {
			return nil, err
		}
		if len(d) > 0 && k <= last {
			return nil, r.fail("dictionary keys are not in order")
		}
		v, err := r.value(depth + 1)
		if err != nil {
			return nil, err
		}
		d[string(k)], last = v, k
	}
	r.at++
	return d, nil
}
