package wallet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"maps"

	"cheese/chain"
	"cheese/coin"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// store keeps the ledger on disk. A checkpoint is one synced batch: coins, records and the cursor they belong to. What
// must not wait for the next one, our own payments and the addresses handed out, is written at once; neither depends
// on the cursor, so that the store is right at any instant a process may die.
type store struct{ db *pebble.DB }

// The keys: a prefix, then what identifies the value.
const (
	keyCursor = 's' // one: format, network, wallet, cursor
	keyIndex  = 'i' // one: the indices handed out
	keyCoin   = 'c' // + outpoint
	keyRecord = 't' // + transaction id
)

// storeFormat changes where an older layout cannot be read; the chain is then read again.
const storeFormat = 1

// storeMemory is what pebble may buffer before it writes a table, in bytes; a wallet is small.
const storeMemory = 1 << 20

func openStore(fs vfs.FS, dir string, log *slog.Logger) (*store, error) {
	cache := pebble.NewCache(storeMemory)
	defer cache.Unref()
	db, err := pebble.Open(dir, &pebble.Options{FS: fs, Cache: cache, MemTableSize: storeMemory,
		FormatMajorVersion: pebble.FormatNewest, Logger: storeLog{log}})
	if err != nil {
		return nil, fmt.Errorf("open wallet in %s: %w", dir, err)
	}
	return &store{db: db}, nil
}

// storeLog keeps pebble's chatter out of the log and its errors in.
type storeLog struct{ log *slog.Logger }

func (l storeLog) Infof(string, ...any) {}
func (l storeLog) Errorf(format string, args ...any) {
	l.log.Error("wallet storage: " + fmt.Sprintf(format, args...))
}

// Fatalf is pebble's last word when the disk fails under it; it must not return.
func (l storeLog) Fatalf(format string, args ...any) {
	panic("wallet storage: " + fmt.Sprintf(format, args...))
}

func (s *store) close() error { return s.db.Close() }

// identity tells whose ledger it is: a layout, a network, and a wallet.
func identity(l *ledger) []byte {
	first := coin.DoubleSHA(l.keys.script(keyRef{branch: external, index: miningIndex}))
	return append(append([]byte{storeFormat}, l.params.ID[:]...), first[:8]...)
}

func cursorValue(l *ledger) []byte {
	b := binary.LittleEndian.AppendUint32(identity(l), uint32(l.at.Height))
	return append(b, l.at.Hash[:]...)
}

func indexValue(l *ledger) []byte {
	b := identity(l)
	for _, n := range []uint32{l.next[external], l.next[internal], l.current} {
		b = binary.LittleEndian.AppendUint32(b, n)
	}
	return b
}

func coinKey(at coin.OutPoint) []byte {
	return binary.BigEndian.AppendUint32(append([]byte{keyCoin}, at.Hash[:]...), at.Index)
}

func recordKey(id coin.Hash) []byte { return append([]byte{keyRecord}, id[:]...) }

// checkpoint is a ledger's changes on their way to the disk.
type checkpoint struct {
	batch   *pebble.Batch
	touched map[coin.Hash]struct{}
	moved   map[coin.OutPoint]struct{}
}

// prepare takes the ledger's changes. The indices are saved already here: ahead of the cursor they do no harm, while
// behind it an address would be handed out twice. commit or restore must follow.
func (s *store) prepare(l *ledger) (*checkpoint, error) {
	c := &checkpoint{batch: s.db.NewBatch(), touched: l.touched, moved: l.moved}
	for at := range l.moved {
		put(c.batch, coinKey(at), l.coins[at].encode)
	}
	for id := range l.touched {
		put(c.batch, recordKey(id), l.records[id].encode)
	}
	c.batch.Set([]byte{keyCursor}, cursorValue(l), nil)
	l.touched, l.moved = map[coin.Hash]struct{}{}, map[coin.OutPoint]struct{}{}
	return c, s.saveIndices(l)
}

// commit makes the changes durable.
func (c *checkpoint) commit() error {
	if err := c.batch.Commit(pebble.Sync); err != nil {
		return err
	}
	return c.batch.Close()
}

// restore gives the changes back after a failure.
func (c *checkpoint) restore(l *ledger) {
	maps.Copy(l.touched, c.touched)
	maps.Copy(l.moved, c.moved)
	c.batch.Close()
}

// put sets what encode gives, or deletes the key where that is nothing. Batches in memory do not fail.
func put(b *pebble.Batch, key []byte, encode func() []byte) {
	if v := encode(); v != nil {
		b.Set(key, v, nil)
	} else {
		b.Delete(key, nil)
	}
}

// remember makes a payment of ours durable at once, with the change address it uses.
func (s *store) remember(l *ledger, r *record) error {
	b := s.db.NewBatch()
	defer b.Close()
	b.Set(recordKey(r.id), r.encode(), nil)
	b.Set([]byte{keyIndex}, indexValue(l), nil)
	if err := b.Commit(pebble.Sync); err != nil {
		return fmt.Errorf("save payment %v: %w", r.id, err)
	}
	return nil
}

// forget undoes remember.
func (s *store) forget(id coin.Hash) error {
	if err := s.db.Delete(recordKey(id), pebble.Sync); err != nil {
		return fmt.Errorf("forget payment %v: %w", id, err)
	}
	return nil
}

// saveIndices makes the addresses handed out durable at once.
func (s *store) saveIndices(l *ledger) error {
	if err := s.db.Set([]byte{keyIndex}, indexValue(l), pebble.Sync); err != nil {
		return fmt.Errorf("save addresses: %w", err)
	}
	return nil
}

// reset replaces everything by what the ledger kept.
func (s *store) reset(l *ledger) error {
	b := s.db.NewBatch()
	defer b.Close()
	b.DeleteRange([]byte{0}, []byte{0xff}, nil)
	for id := range l.records {
		put(b, recordKey(id), l.records[id].encode)
	}
	b.Set([]byte{keyCursor}, cursorValue(l), nil)
	b.Set([]byte{keyIndex}, indexValue(l), nil)
	if err := b.Commit(pebble.Sync); err != nil {
		return fmt.Errorf("reset the wallet: %w", err)
	}
	return nil
}

// load fills a new ledger; found is false where there is none of this wallet yet.
func (s *store) load(l *ledger) (found bool, err error) {
	at, err := s.read(keyCursor, identity(l))
	if err != nil || at == nil {
		return false, err
	}
	l.at = chain.Position{Height: int32(at.Uint32()), Hash: at.Hash()}
	index, err := s.read(keyIndex, identity(l))
	if err != nil || index == nil {
		return false, err
	}
	l.next[external], l.next[internal], l.current = index.Uint32(), index.Uint32(), index.Uint32()
	if err := errors.Join(at.Finish(), index.Finish(), l.watch()); err != nil {
		return false, fmt.Errorf("read the wallet: %w", err)
	}
	return true, s.each(l)
}

// read returns what follows the identity in a value, nil where it is missing or another wallet's.
func (s *store) read(key byte, identity []byte) (*coin.Reader, error) {
	v, closer, err := s.db.Get([]byte{key})
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the wallet: %w", err)
	}
	defer closer.Close()
	if len(v) < len(identity) || string(v[:len(identity)]) != string(identity) {
		return nil, nil
	}
	return coin.NewReader(append([]byte(nil), v[len(identity):]...)), nil
}

// each reads coins and records.
func (s *store) each(l *ledger) error {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: []byte{keyCoin}, UpperBound: []byte{keyRecord + 1}})
	if err != nil {
		return fmt.Errorf("read the wallet: %w", err)
	}
	defer it.Close()
	for it.First(); it.Valid(); it.Next() {
		k, v := it.Key(), append([]byte(nil), it.Value()...)
		switch k[0] {
		case keyCoin:
			err = l.loadCoin(k[1:], v)
		case keyRecord:
			err = l.loadRecord(k[1:], v)
		}
		if err != nil {
			return fmt.Errorf("read the wallet: %w", err)
		}
	}
	inOrder(l.timeline)
	return it.Error()
}

// encode returns nil for a coin that is gone.
func (c *ownCoin) encode() []byte {
	if c == nil {
		return nil
	}
	b := binary.LittleEndian.AppendUint64(nil, uint64(c.out.Value))
	for _, n := range []uint32{c.key.branch, c.key.index, uint32(c.height)} {
		b = binary.LittleEndian.AppendUint32(b, n)
	}
	return append(b, bit(c.coinbase, 1))
}

func (l *ledger) loadCoin(key, value []byte) error {
	k, r := coin.NewReader(key), coin.NewReader(value)
	at := coin.OutPoint{Hash: k.Hash()}
	if i := k.Bytes(4); i != nil {
		at.Index = binary.BigEndian.Uint32(i)
	}
	c := &ownCoin{out: coin.TxOut{Value: coin.Amount(r.Uint64())}}
	c.key, c.height, c.coinbase = keyRef{branch: r.Uint32(), index: r.Uint32()}, int32(r.Uint32()), r.Uint8() == 1
	if err := errors.Join(k.Finish(), r.Finish()); err != nil {
		return fmt.Errorf("coin %v: %w", at, err)
	}
	if c.key.branch >= branches || c.key.index >= uint32(len(l.keys.known[c.key.branch])) {
		return fmt.Errorf("coin %v: key %v was never handed out", at, c.key)
	}
	c.out.Script = l.keys.script(c.key)
	l.coins[at] = c
	return nil
}

// The bits of an encoded record's flags.
const (
	flagOwn = 1 << iota
	flagTrusted
	flagSettled
	flagReplaced
)

func bit(on bool, mask byte) byte {
	if on {
		return mask
	}
	return 0
}

// kinds numbers the kinds as they are stored.
var kinds = []Kind{KindReceived, KindSent, KindMoved, KindMined}

// encode returns nil for a record that is forgotten. The transaction is kept of open ones only: the chain has the others.
func (r *record) encode() []byte {
	if r == nil {
		return nil
	}
	var kind byte
	for i := range kinds {
		if kinds[i] == r.kind {
			kind = byte(i)
		}
	}
	b := []byte{kind, bit(r.own, flagOwn) | bit(r.trusted, flagTrusted) | bit(r.settled, flagSettled) | bit(r.replaced, flagReplaced)}
	for _, n := range []int64{int64(r.net), int64(r.fee), r.seen, r.time} {
		b = binary.LittleEndian.AppendUint64(b, uint64(n))
	}
	for _, n := range []uint32{uint32(r.height), r.position, r.blockers} {
		b = binary.LittleEndian.AppendUint32(b, n)
	}
	b = coin.AppendVarBytes(append(b, r.block[:]...), r.peer)
	if r.tx != nil {
		b = r.tx.Append(b)
	}
	return b
}

func decodeRecord(id coin.Hash, value []byte) (*record, error) {
	d := coin.NewReader(value)
	kind, flags := d.Uint8(), d.Uint8()
	r := &record{id: id, own: flags&flagOwn != 0, trusted: flags&flagTrusted != 0, settled: flags&flagSettled != 0, replaced: flags&flagReplaced != 0}
	r.net, r.fee, r.seen, r.time = coin.Amount(d.Uint64()), coin.Amount(d.Uint64()), int64(d.Uint64()), int64(d.Uint64())
	r.height, r.position, r.blockers = int32(d.Uint32()), d.Uint32(), d.Uint32()
	r.block, r.peer = d.Hash(), d.VarBytes()
	if int(kind) >= len(kinds) {
		d.Fail(fmt.Errorf("kind %d is unknown", kind))
	} else {
		r.kind = kinds[kind]
	}
	if r.height < 0 {
		if r.tx = coin.ReadTx(d); r.tx != nil && r.tx.ID() != id {
			d.Fail(fmt.Errorf("it holds transaction %v", r.tx.ID()))
		}
	}
	if err := d.Finish(); err != nil {
		return nil, fmt.Errorf("record %v: %w", id, err)
	}
	return r, nil
}

func (l *ledger) loadRecord(key, value []byte) error {
	k := coin.NewReader(key)
	id := k.Hash()
	if err := k.Finish(); err != nil {
		return fmt.Errorf("record key: %w", err)
	}
	r, err := decodeRecord(id, value)
	if err != nil {
		return err
	}
	l.records[id] = r
	if r.height < 0 {
		l.reopen(r)
	} else {
		l.timeline = append(l.timeline, r)
	}
	return nil
}
