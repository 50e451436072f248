package mempool

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"cheese/coin"
)

// The format is that of Bitcoin Core's mempool.dat: the version; then the number of transactions, each followed by when
// it came in Unix seconds and by what Prioritise added; then what Prioritise added to transactions that are not here; then
// the ids of transactions that nobody asked for yet. Version 2 hides all of it but the version behind a key that is XORed
// over it, so that virus scanners do not take offence; we write version 1 and read both.
const (
	plainVersion  = 1
	hiddenVersion = 2
	maxSaved      = 1 << 30 // bytes; a full pool of the default size takes less than a third
)

// errSaved is wrapped by what Load returns for a file that makes no sense.
var errSaved = errors.New("not a saved pool")

// Save writes the transactions that wait, so that Load can take them in again after a restart.
func (p *Pool) Save(w io.Writer) error {
	v, deltas := p.View(), p.Prioritised()
	entries := slices.Clone(v.Entries())
	slices.SortFunc(entries, compareTopology)
	out := bufio.NewWriter(w)
	b := binary.LittleEndian.AppendUint64(nil, plainVersion)
	b = binary.LittleEndian.AppendUint64(b, uint64(len(entries)))
	for _, e := range entries {
		b = e.Tx.Append(b)
		b = binary.LittleEndian.AppendUint64(b, uint64(e.Time.Unix()))
		b = binary.LittleEndian.AppendUint64(b, uint64(deltas[e.ID]))
		delete(deltas, e.ID)
		if _, err := out.Write(b); err != nil {
			return fmt.Errorf("save pool: %w", err)
		}
		b = b[:0]
	}
	b = coin.AppendCompactSize(b, uint64(len(deltas)))
	for _, id := range slices.SortedFunc(maps.Keys(deltas), coin.Hash.Compare) {
		b = append(b, id[:]...)
		b = binary.LittleEndian.AppendUint64(b, uint64(deltas[id]))
	}
	b = coin.AppendCompactSize(b, 0) // whatever waits is announced to every new peer
	if _, err := out.Write(b); err != nil {
		return fmt.Errorf("save pool: %w", err)
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("save pool: %w", err)
	}
	return nil
}

// saved is a transaction in a file.
type saved struct {
	tx    *coin.Tx
	when  time.Time
	delta coin.Amount
}

// Load takes in what Save wrote, and what Bitcoin Core 28 writes to mempool.dat. Transactions that no longer fit the
// chain or the pool's policy, or that waited too long, stay out without an error. What was read before an error is in.
func (p *Pool) Load(r io.Reader) error {
	all, err := io.ReadAll(io.LimitReader(r, maxSaved+1))
	switch {
	case err != nil:
		return fmt.Errorf("load pool: %w", err)
	case len(all) > maxSaved:
		return fmt.Errorf("load pool: %w: more than %d bytes", errSaved, maxSaved)
	}
	in, err := reveal(all)
	if err != nil {
		return fmt.Errorf("load pool: %w", err)
	}
	for n := in.Uint64(); n > 0 && in.Err() == nil; n-- {
		s := saved{tx: coin.ReadTx(in), when: time.Unix(int64(in.Uint64()), 0), delta: coin.Amount(in.Uint64())}
		if in.Err() == nil {
			if err := p.restore(s); err != nil {
				return fmt.Errorf("load pool: %w", err)
			}
		}
	}
	const delta = 40 // bytes
	for range in.Count(delta) {
		id := in.Hash()
		amount := coin.Amount(in.Uint64())
		if in.Err() == nil {
			p.Prioritise(id, amount)
		}
	}
	for range in.Count(len(coin.Hash{})) {
		in.Hash()
	}
	if err := in.Finish(); err != nil {
		return fmt.Errorf("load pool: %w: %w", errSaved, err)
	}
	return nil
}

// reveal reads the version and undoes what version 2 does.
func reveal(all []byte) (*coin.Reader, error) {
	in := coin.NewReader(all)
	version := in.Uint64()
	switch {
	case in.Err() != nil:
		return nil, fmt.Errorf("%w: %w", errSaved, in.Err())
	case version == plainVersion:
		return in, nil
	case version != hiddenVersion:
		return nil, fmt.Errorf("%w: version %d", errSaved, version)
	}
	key := slices.Clone(in.VarBytes())
	if in.Err() != nil || len(key) == 0 {
		return nil, fmt.Errorf("%w: no key", errSaved)
	}
	at := 8 + coin.CompactSizeLen(uint64(len(key))) + len(key)
	for i := at; i < len(all); i++ {
		all[i] ^= key[i%len(key)] // counted from the file's start
	}
	return coin.NewReader(all[at:]), nil
}

// restore takes in one transaction of a file. Only what keeps the chain from being read is an error.
func (p *Pool) restore(s saved) error {
	if s.delta != 0 {
		p.Prioritise(s.tx.ID(), s.delta)
	}
	if !s.when.After(p.o.Now().Add(-p.o.Expiry)) {
		return nil
	}
	t := p.single()
	t.when = s.when
	err := p.accept(unshare([]*coin.Tx{s.tx})[0], t)
	if r, ok := errors.AsType[*RejectError](err); ok {
		p.o.Logger.Debug("saved transaction does not come back", "txid", s.tx.ID(), "err", r)
		return nil
	}
	return err
}
