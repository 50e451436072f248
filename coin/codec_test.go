package coin

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/wire/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// sameTx compares the fields of transactions; nil and empty scripts are the same on the wire.
var sameTx = cmp.Options{cmpopts.IgnoreUnexported(Tx{}), cmpopts.EquateEmpty()}

func anyHash(t *rapid.T) Hash {
	return Hash(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "hash"))
}

func anyBytes(t *rapid.T, most int) []byte {
	return rapid.SliceOfN(rapid.Byte(), 0, most).Draw(t, "bytes")
}

// anyTx draws a transaction with at least one input, since one without cannot be told from the extended form.
func anyTx(t *rapid.T) *Tx {
	tx := &Tx{Version: rapid.Int32().Draw(t, "version"), LockTime: rapid.Uint32().Draw(t, "lock time")}
	witness := rapid.Bool().Draw(t, "witness")
	for range rapid.IntRange(1, 4).Draw(t, "inputs") {
		in := TxIn{Prev: OutPoint{anyHash(t), rapid.Uint32().Draw(t, "index")}, Script: anyBytes(t, 300), Sequence: rapid.Uint32().Draw(t, "sequence")}
		for range rapid.IntRange(0, 3).Draw(t, "items") {
			if witness {
				in.Witness = append(in.Witness, anyBytes(t, 80))
			}
		}
		tx.In = append(tx.In, in)
	}
	for range rapid.IntRange(0, 4).Draw(t, "outputs") {
		tx.Out = append(tx.Out, TxOut{Value: Amount(rapid.Int64().Draw(t, "value")), Script: anyBytes(t, 80)})
	}
	return tx
}

func anyHeader(t *rapid.T) Header {
	u := rapid.Uint32()
	return Header{Version: int32(u.Draw(t, "version")), Prev: anyHash(t), Merkle: anyHash(t), Time: u.Draw(t, "time"), Bits: u.Draw(t, "bits"), Nonce: u.Draw(t, "nonce")}
}

// wireTx decodes with btcd.
func wireTx(b []byte) (*wire.MsgTx, error) {
	r := bytes.NewReader(b)
	var m wire.MsgTx
	err := m.Deserialize(r)
	if err == nil && r.Len() > 0 {
		err = errors.New("bytes left over")
	}
	return &m, err
}

// agree checks all that both codecs tell about a transaction.
func agree(t rapid.TB, tx *Tx, m *wire.MsgTx) {
	t.Helper()
	var whole, bare bytes.Buffer
	if err := errors.Join(m.Serialize(&whole), m.SerializeNoWitness(&bare)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(tx.Bytes(), whole.Bytes()) || !bytes.Equal(tx.AppendNoWitness(nil), bare.Bytes()) {
		t.Fatalf("encodings differ:\n%x\n%x", tx.Bytes(), whole.Bytes())
	}
	if tx.ID() != Hash(m.TxHash()) || tx.WitnessID() != Hash(m.WitnessHash()) {
		t.Fatalf("ids differ: %v %v, %v %v", tx.ID(), m.TxHash(), tx.WitnessID(), m.WitnessHash())
	}
	if tx.Size() != m.SerializeSize() || tx.BaseSize() != m.SerializeSizeStripped() {
		t.Fatalf("sizes differ: %d %d, %d %d", tx.Size(), m.SerializeSize(), tx.BaseSize(), m.SerializeSizeStripped())
	}
	if len(tx.In) != len(m.TxIn) || len(tx.Out) != len(m.TxOut) || tx.Version != m.Version || tx.LockTime != m.LockTime || tx.HasWitness() != m.HasWitness() {
		t.Fatalf("fields differ: %+v, %+v", tx, m)
	}
}

func TestTxRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tx := anyTx(t)
		b := tx.Bytes()
		back, err := ParseTx(b)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(tx, back, sameTx); d != "" {
			t.Fatal(d)
		}
		if tx.ID() != back.ID() || tx.WitnessID() != back.WitnessID() || tx.Weight() != back.Weight() || tx.VSize() != back.VSize() {
			t.Fatal("what is computed once while parsing differs from what is computed on demand")
		}
		if d := cmp.Diff(tx, back.Clone(), sameTx); d != "" {
			t.Fatal(d)
		}
		m, err := wireTx(b)
		if err != nil {
			t.Fatal(err)
		}
		agree(t, back, m)
		if _, err := ParseTx(b[:len(b)-1-rapid.IntRange(0, len(b)-1).Draw(t, "cut")]); err == nil {
			t.Fatal("a transaction cut short decodes")
		}
		if _, err := ParseTx(append(b, 0)); err == nil {
			t.Fatal("a transaction with a byte left over decodes")
		}
	})
}

func TestBlockRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		blk := &Block{Header: anyHeader(t)}
		for range rapid.IntRange(0, 5).Draw(t, "transactions") {
			blk.Txs = append(blk.Txs, anyTx(t))
		}
		b := blk.Bytes()
		back, err := ParseBlock(b)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(blk, back, sameTx); d != "" {
			t.Fatal(d)
		}
		if len(b) != back.Size() || len(back.AppendNoWitness(nil)) != back.BaseSize() || back.Weight() != 3*back.BaseSize()+back.Size() {
			t.Fatalf("sizes %d, %d, %d", back.Size(), back.BaseSize(), back.Weight())
		}
		var m wire.MsgBlock
		if err := m.Deserialize(bytes.NewReader(b)); err != nil {
			t.Fatal(err)
		}
		if Hash(m.BlockHash()) != back.Header.Hash() || len(m.Transactions) != len(back.Txs) {
			t.Fatal("btcd reads another block")
		}
		for i, tx := range back.Txs {
			agree(t, tx, m.Transactions[i])
		}
	})
}

// TestWhatCoreDecodes holds encodings that wire/v2 and a naive codec disagree on with Core.
func TestWhatCoreDecodes(t *testing.T) {
	const in = "0000000000000000000000000000000000000000000000000000000000000000" + "00000000" + "00" + "ffffffff"
	for _, c := range []struct {
		name, hex string
		err       error // nil: it decodes
		anyErr    bool
	}{
		{name: "nothing in it", hex: "01000000" + "0000" + "00000000"},
		{name: "an input and no output", hex: "01000000" + "01" + in + "00" + "00000000"},
		{name: "an extended form with witness", hex: "01000000" + "0001" + "01" + in + "00" + "0101aa" + "00000000"},
		{name: "an extended form without witness", hex: "01000000" + "0001" + "01" + in + "00" + "00" + "00000000", err: errSuperfluousWitness},
		{name: "an extended form without inputs", hex: "01000000" + "0001" + "00" + "00" + "00000000", err: errSuperfluousWitness},
		{name: "an unknown flag", hex: "01000000" + "0002" + "01" + in + "00" + "00000000", err: errUnknownOptional},
		{name: "an unknown flag besides witness", hex: "01000000" + "0003" + "01" + in + "00" + "0101aa" + "00000000", err: errUnknownOptional},
		{name: "a length in a longer form", hex: "01000000" + "fd0100" + in + "00" + "00000000", err: ErrNonCanonical},
		{name: "a length over the limit", hex: "01000000" + "fe01000002", anyErr: true},
		{name: "more inputs than bytes", hex: "01000000" + "fe00000002", err: io.ErrUnexpectedEOF},
	} {
		tx, err := ParseTx(unhex(c.hex))
		switch {
		case c.anyErr && err == nil, c.err != nil && !errors.Is(err, c.err), c.err == nil && !c.anyErr && err != nil:
			t.Errorf("%s: %v, want %v", c.name, err, c.err)
		case err == nil && !bytes.Equal(tx.Bytes(), unhex(c.hex)):
			t.Errorf("%s: encodes as %x", c.name, tx.Bytes())
		}
	}
}

func TestCompactSizes(t *testing.T) {
	for n, want := range map[uint64]int{0: 1, 0xfc: 1, 0xfd: 3, 0xffff: 3, 0x10000: 5, 0xffffffff: 5, 0x100000000: 9, 1<<64 - 1: 9} {
		b := AppendCompactSize(nil, n)
		r := NewReader(b)
		if got := r.CompactUint(); len(b) != want || CompactSizeLen(n) != want || got != n || r.Finish() != nil {
			t.Errorf("%d: %x, read as %d, %v", n, b, got, r.Err())
		}
	}
	for _, long := range []string{"fdfc00", "feffff0000", "ffffffffff00000000"} {
		r := NewReader(unhex(long))
		if r.CompactUint(); r.Err() != ErrNonCanonical {
			t.Errorf("%s: %v", long, r.Err())
		}
	}
	r := NewReader(AppendCompactSize(nil, MaxSize+1))
	if r.CompactSize(); r.Err() == nil {
		t.Error("a length over the limit is read")
	}
}

func TestHashText(t *testing.T) {
	const text = "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206"
	h := MustHash(text)
	if h.String() != text || h[31] != 0x0f {
		t.Errorf("%v is not reversed", h)
	}
	for _, bad := range []string{"", text[1:], text + "0", strings.Replace(text, "f", "g", 1)} {
		if _, err := ParseHash(bad); err == nil {
			t.Errorf("%q is read as a hash", bad)
		}
	}
}

// TestMerkleMutation: repeating the end of a list of leaves keeps the root (CVE-2012-2459), and is told.
func TestMerkleMutation(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		leaves := rapid.SliceOfNDistinct(rapid.Custom(anyHash), 1, 20, func(h Hash) Hash { return h }).Draw(t, "leaves")
		root, mutated := MerkleRoot(slices.Clone(leaves))
		if mutated {
			t.Fatal("distinct leaves are called mutated")
		}
		// Where the tree is as wide as a power of two at a level, an odd number of nodes there can be made even.
		for size := 1; size < len(leaves); size *= 2 {
			if nodes := (len(leaves) + size - 1) / size; len(leaves)%size != 0 || nodes%2 == 0 {
				continue
			}
			longer := append(slices.Clone(leaves), leaves[len(leaves)-size:]...)
			if again, mutated := MerkleRoot(longer); again != root || !mutated {
				t.Fatalf("repeating the last %d of %d leaves: same root %v, mutated %v", size, len(leaves), again == root, mutated)
			}
		}
		i := rapid.IntRange(0, len(leaves)-1).Draw(t, "changed")
		leaves[i][0] ^= 1
		if again, _ := MerkleRoot(leaves); again == root {
			t.Fatal("a changed leaf keeps the root")
		}
	})
}

func TestMerkleRootOfNothing(t *testing.T) {
	if root, mutated := MerkleRoot(nil); !root.IsZero() || mutated {
		t.Errorf("%v, %v", root, mutated)
	}
	if root := (&Block{}).WitnessRoot(); !root.IsZero() {
		t.Errorf("witness root %v", root)
	}
}

func TestShortMessageAllocatesLittle(t *testing.T) {
	for _, text := range []string{
		"01000000" + "fe00000002",                                     // 33 million inputs
		strings.Repeat("00", HeaderSize) + "fe00000002",               // transactions
		"01000000" + "01" + strings.Repeat("00", 36) + "fe00000002aa", // bytes of script
	} {
		b := unhex(text)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, txErr := ParseTx(b)
		_, blockErr := ParseBlock(b)
		runtime.ReadMemStats(&after)
		if txErr == nil || blockErr == nil {
			t.Errorf("%s decodes", text)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 1<<20 {
			t.Errorf("%s takes %d bytes to refuse", text, used)
		}
	}
}

func TestReaderNeverReadsPastAFailure(t *testing.T) {
	r := NewReader([]byte{1, 2, 3})
	r.Uint32()
	if r.Uint8() != 0 || r.Bytes(1) != nil || !errors.Is(r.Err(), io.ErrUnexpectedEOF) {
		t.Errorf("reading goes on after %v", r.Err())
	}
}

func FuzzTx(f *testing.F) {
	f.Add(Regtest().Genesis.Txs[0].Bytes())
	f.Add(Cheese().Genesis.Txs[0].Bytes())
	f.Add(unhex("01000000000000000000"))
	f.Add(unhex("010000000001000000000000"))
	f.Fuzz(func(t *testing.T, b []byte) {
		tx, err := ParseTx(b)
		m, wireErr := wireTx(b)
		if err != nil {
			return // wire forgives superfluous witnesses, and refuses what is too large for it
		}
		if !bytes.Equal(tx.Bytes(), b) && len(tx.In) > 0 {
			t.Fatalf("%x encodes as %x", b, tx.Bytes())
		}
		if clone := tx.Clone(); clone.ID() != tx.ID() || clone.WitnessID() != tx.WitnessID() || clone.Weight() != tx.Weight() {
			t.Fatal("a clone differs")
		}
		if wireErr == nil && len(tx.In) > 0 {
			agree(t, tx, m)
		}
	})
}

func FuzzBlock(f *testing.F) {
	f.Add(Regtest().Genesis.Bytes())
	f.Add(Cheese().Genesis.Bytes())
	f.Add(append(make([]byte, HeaderSize), 0xfe, 0, 0, 0, 2))
	f.Fuzz(func(t *testing.T, b []byte) {
		blk, err := ParseBlock(b)
		if err != nil {
			return
		}
		blk.MerkleRoot()
		blk.WitnessRoot()
		if blk.Weight() != 3*blk.BaseSize()+blk.Size() || len(blk.Bytes()) != blk.Size() {
			t.Fatalf("sizes of %x", b)
		}
		again, err := ParseBlock(blk.Bytes())
		if err == nil && again.Header.Hash() != blk.Header.Hash() {
			t.Fatalf("%x reads back as another block", b)
		}
	})
}

func FuzzHeader(f *testing.F) {
	f.Add(Regtest().Genesis.Header.Append(nil))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := ParseHeader(b)
		if (err == nil) != (len(b) == HeaderSize) {
			t.Fatalf("%d bytes: %v", len(b), err)
		}
		if err == nil && !bytes.Equal(h.Append(nil), b) {
			t.Fatalf("%x encodes as %x", b, h.Append(nil))
		}
		Difficulty(h.Bits)
		Work(h.Bits)
	})
}
