package chain

import (
	"bytes"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"

	"cheese/coin"
	"cheese/consensus"
)

// load fills a new Chain from its directory, or starts it with the network's first block.
func (c *Chain) load() error {
	fresh, err := c.checkMeta()
	if err != nil {
		return err
	}
	if fresh {
		return c.begin()
	}
	if err := c.loadIndex(); err != nil {
		return err
	}
	if err := c.loadTip(); err != nil {
		return err
	}
	c.findCandidates()
	_, err = c.activate()
	return err
}

// checkMeta checks that the directory is this network's, and tells whether it is new.
func (c *Chain) checkMeta() (fresh bool, err error) {
	format, err := c.db.get(keyFormat)
	if err != nil || format == nil {
		return err == nil, err
	}
	if !bytes.Equal(format, []byte{formatVersion}) {
		return false, fmt.Errorf("its data format is %x, and this program knows %x alone", format, []byte{formatVersion})
	}
	have, err := c.db.get(keyGenesis)
	if err != nil {
		return false, err
	}
	if want := c.params.Genesis.Hash(); !bytes.Equal(have, want[:]) {
		var h coin.Hash
		copy(h[:], have)
		return false, fmt.Errorf("%w: its first block is %v, and that of %q is %v", ErrOtherNetwork, h, c.params.Name, want)
	}
	return false, nil
}

// begin starts a new directory with the network's first block, whose outputs are not coins.
func (c *Chain) begin() error {
	genesis := c.insert(consensus.Genesis(c.params), nil)
	place, err := c.files.append(c.params.Genesis.Bytes())
	if err != nil {
		return err
	}
	genesis.place = place
	genesis.readyAt.Store(1)
	for _, fact := range []*atomic.Uint64{&genesis.bodyAt, &genesis.validAt} {
		fact.Store(1)
	}
	c.tip = genesis
	return c.flush()
}

// loadIndex reads all headers, parents first since the keys start with the height.
func (c *Chain) loadIndex() error {
	return c.db.each(keyHeader, nil, func(key, value []byte) error {
		r, err := parseRecord(value)
		if err != nil {
			return fmt.Errorf("header %x in the database: %w", key, err)
		}
		n, err := c.restore(&r)
		if err == nil && !bytes.Equal(key, headerKey(n)) {
			err = fmt.Errorf("header %v in the database stands under key %x", n.hash, key)
		}
		return err
	})
}

// restore adds a record of an earlier run to the index.
func (c *Chain) restore(r *record) (*node, error) {
	state, parent := consensus.Genesis(c.params), c.index.byHash[r.header.Prev]
	if r.header.Hash() != state.Hash() {
		if parent == nil {
			return nil, fmt.Errorf("header %v in the database has no parent", r.header.Hash())
		}
		state = parent.state.Extend(r.header)
	}
	n := newNode(state, parent, r.added)
	n.place, n.order = r.place, int64(r.ready)
	n.readyAt.Store(r.ready)
	for _, fact := range []struct {
		true bool
		at   *atomic.Uint64
	}{{r.body, &n.bodyAt}, {r.valid, &n.validAt}} {
		if fact.true {
			fact.at.Store(1)
		}
	}
	if r.invalid {
		n.rule(true, 1)
	}
	if r.body {
		c.files.grow(r.place)
	}
	c.change = max(c.change, r.added, r.ready)
	c.index.insert(n)
	return n, nil
}

// loadTip finds the block whose coins are on disk, and checks that its body can be read and that what it made is there.
func (c *Chain) loadTip() error {
	raw, err := c.db.get(keyTip)
	if err != nil {
		return err
	}
	var h coin.Hash
	copy(h[:], raw)
	n := c.index.byHash[h]
	if n == nil || n.readyAt.Load() == 0 {
		return fmt.Errorf("the database names %v as the tip and does not know it", h)
	}
	c.tip, c.flushed = n, n
	n.order = 0 // ahead of any with the same work, as it was, be it because of Precious
	b, err := c.body(n)
	if err != nil || n.parent == nil {
		return err
	}
	for _, made := range createdBy(&coin.Block{Txs: b.Txs[:1]}, n.height) {
		if found, err := c.db.coin(made.OutPoint); err != nil || found == nil {
			return errors.Join(err, fmt.Errorf("coin %v of the last block is not in the database", made.OutPoint))
		}
	}
	return nil
}

// checkForeign keeps us out of a directory that Bitcoin Core uses, whose layout ours resembles.
func checkForeign(fs vfs.FS, blocks string) error {
	if _, err := fs.Stat(fs.PathJoin(blocks, "index")); err == nil {
		return fmt.Errorf("%w: Bitcoin Core's block index is in it", ErrOtherNetwork)
	}
	return nil
}
