package consensus

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"cheese/coin"
	"cheese/script"
)

// scene is a regtest chain with coins to spend, and a valid block on it to spoil: a coinbase, a transaction with two
// outputs and witness data, and one that spends the first of them.
type scene struct {
	*harness
	*coin.Block
	parent, child *coin.Tx
}

func newScene(t testing.TB) *scene {
	h := newHarness(t, coin.Regtest())
	h.grow(30) // so that medians are over eleven blocks
	parent := pay(4*coin.Coin, h.give(10*coin.Coin, anyone))
	parent.Out = append(parent.Out, coin.TxOut{Value: 5 * coin.Coin, Script: anyone})
	parent.In[0].Witness = [][]byte{{1}, {2, 3}}
	child := pay(3*coin.Coin, output(parent, 0))
	s := &scene{harness: h, parent: parent, child: child}
	s.Block = h.block(2*coin.Coin, parent, child)
	return s
}

// add puts more transactions into the block.
func (s *scene) add(txs ...*coin.Tx) { s.Txs = append(s.Txs, txs...) }

// edit changes the block's n-th transaction.
func (s *scene) edit(n int, change func(tx *coin.Tx)) {
	s.Txs[n] = s.Txs[n].Clone()
	change(s.Txs[n])
}

// spoils are what mutate-one-thing rows do and what comes of it.
type spoil struct {
	name   string
	do     func(s *scene)
	reason string // "" for a block that stays valid
	kind   Kind
	seal   seal
}

// seal says how much of the block is made consistent again after the spoiling.
type seal int

const (
	sealAll    seal = iota // commitment, Merkle root, work
	sealMerkle             // Merkle root, work
	sealWork               // work
	sealNot
)

func runSpoils(t *testing.T, rows []spoil) {
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			s := newScene(t)
			row.do(s)
			if row.seal == sealAll && len(s.Txs) > 0 {
				SetWitnessCommitment(s.Block)
			}
			if row.seal <= sealMerkle {
				s.Merkle, _ = s.MerkleRoot()
			}
			if row.seal <= sealWork {
				work(&s.Header)
			}
			if row.reason != "" {
				s.reject(s.Block, row.reason, row.kind)
			} else if _, _, _, err := s.judge(s.Block); err != nil {
				t.Fatalf("the block should be valid: %v", err)
			}
		})
	}
}

func TestHeaderRules(t *testing.T) {
	runSpoils(t, []spoil{
		{name: "nothing", do: func(s *scene) {}},
		{name: "work that misses the target", do: func(s *scene) {
			for coin.MeetsTarget(s.Header.Hash(), coin.Target(s.Bits)) {
				s.Nonce++
			}
		}, reason: "high-hash", seal: sealNot},
		{name: "a target over the easiest", do: func(s *scene) { s.Bits = 0x2100ffff }, reason: "high-hash"},
		{name: "a negative target", do: func(s *scene) { s.Bits = 0x1c800001 }, reason: "high-hash", seal: sealNot},
		{name: "a target of zero", do: func(s *scene) { s.Bits = 0 }, reason: "high-hash", seal: sealNot},
		{name: "an unknown parent", do: func(s *scene) { s.Prev[0] ^= 1 }, reason: "prev-blk-not-found", kind: MissingParent},
		{name: "a harder target than due", do: func(s *scene) { s.Bits = 0x207ffffe }, reason: "bad-diffbits"},
		{name: "the median past as timestamp", do: func(s *scene) { s.Time = s.tip().MedianTime() }, reason: "time-too-old"},
		{name: "a second after the median past", do: func(s *scene) { s.Time = s.tip().MedianTime() + 1 }},
		{name: "two hours and a second ahead", do: func(s *scene) { s.Time = uint32(s.now.Add(2*time.Hour).Unix()) + 1 }, reason: "time-too-new", kind: TooNew},
		{name: "two hours ahead", do: func(s *scene) { s.Time = uint32(s.now.Add(2 * time.Hour).Unix()) }},
		{name: "version 3", do: func(s *scene) { s.Version = 3 }, reason: "bad-version(0x00000003)"},
		{name: "version 4", do: func(s *scene) { s.Version = 4 }},
		{name: "a negative version", do: func(s *scene) { s.Version = -1 }, reason: "bad-version(0xffffffff)"},
		{name: "several of these: work counts before all", do: func(s *scene) { s.Bits, s.Prev, s.Time = 0, coin.Hash{}, 0 }, reason: "high-hash", seal: sealNot},
		{name: "several of these: the parent before the rest", do: func(s *scene) { s.Prev, s.Time, s.Version = coin.Hash{}, 0, 0 }, reason: "prev-blk-not-found", kind: MissingParent},
		{name: "several of these: the time before the version", do: func(s *scene) { s.Time, s.Version = 0, 0 }, reason: "time-too-old"},
	})
}

func TestBlockRules(t *testing.T) {
	big := func(n int) []byte { return append([]byte{0x6a}, make([]byte, n-1)...) }
	runSpoils(t, []spoil{
		{name: "another Merkle root", do: func(s *scene) { s.Merkle[0] ^= 1 }, reason: "bad-txnmrklroot", kind: Mutated, seal: sealWork},
		{name: "a transaction swapped under the header", do: func(s *scene) { s.edit(2, func(tx *coin.Tx) { tx.Out[0].Value-- }) }, reason: "bad-txnmrklroot", kind: Mutated, seal: sealWork},
		{name: "the last transaction twice under the same root", do: func(s *scene) { s.add(s.child) }, reason: "bad-txns-duplicate", kind: Mutated, seal: sealWork},
		{name: "no transactions", do: func(s *scene) { s.Txs = nil }, reason: "bad-blk-length"},
		{name: "over a million bytes without witness", do: func(s *scene) { s.edit(2, func(tx *coin.Tx) { tx.Out[0].Script = big(1_000_000) }) }, reason: "bad-blk-length"},
		{name: "no coinbase", do: func(s *scene) { s.Txs = s.Txs[1:] }, reason: "bad-cb-missing", seal: sealMerkle},
		{name: "no coinbase, and what could be Merkle nodes", do: func(s *scene) {
			s.child.Out[0].Script = make([]byte, 64-60)
			s.Txs = []*coin.Tx{s.child.Clone()}
		}, reason: "bad-cb-missing", kind: Mutated, seal: sealMerkle},
		{name: "two coinbases", do: func(s *scene) { s.add(s.Txs[0].Clone()) }, reason: "bad-cb-multiple"},
		{name: "a coinbase script of one byte", do: func(s *scene) { s.edit(0, func(tx *coin.Tx) { tx.In[0].Script = tx.In[0].Script[:1] }) }, reason: "bad-cb-length"},
		{name: "a coinbase script of 100 bytes", do: func(s *scene) {
			s.edit(0, func(tx *coin.Tx) {
				tx.In[0].Script = append(tx.In[0].Script, make([]byte, 100-len(tx.In[0].Script))...)
			})
		}},
		{name: "a coinbase script of 101 bytes", do: func(s *scene) {
			s.edit(0, func(tx *coin.Tx) { tx.In[0].Script = append(tx.In[0].Script, make([]byte, 100)...) })
		}, reason: "bad-cb-length"},
		{name: "a transaction without inputs", do: func(s *scene) { s.edit(2, func(tx *coin.Tx) { tx.In = nil }) }, reason: "bad-txns-vin-empty"},
		{name: "20,001 signature checks", do: func(s *scene) {
			s.edit(2, func(tx *coin.Tx) { tx.Out[0].Script = bytes.Repeat([]byte{0xac}, 20_001) })
		}, reason: "bad-blk-sigops"},
		{name: "20,000 signature checks", do: func(s *scene) {
			s.edit(2, func(tx *coin.Tx) { tx.Out[0].Script = bytes.Repeat([]byte{0xac}, 20_000) })
		}},
		{name: "another height in the coinbase", do: func(s *scene) { s.edit(0, func(tx *coin.Tx) { tx.In[0].Script[0]++ }) }, reason: "bad-cb-height"},
		{name: "a lock time of this height", do: func(s *scene) { s.lock(uint32(s.height())) }, reason: "bad-txns-nonfinal"},
		{name: "a lock time of the height before", do: func(s *scene) { s.lock(uint32(s.height()) - 1) }},
		{name: "a lock time at the median past", do: func(s *scene) { s.lock(s.tip().MedianTime()) }, reason: "bad-txns-nonfinal"},
		{name: "a lock time before the median past", do: func(s *scene) { s.lock(s.tip().MedianTime() - 1) }},
		{name: "a lock time that every input switches off", do: func(s *scene) { s.edit(2, func(tx *coin.Tx) { tx.LockTime = uint32(s.height()) }) }},
	})
}

// lock sets a lock time on the last transaction and an input that heeds it.
func (s *scene) lock(at uint32) {
	s.edit(2, func(tx *coin.Tx) { tx.LockTime, tx.In[0].Sequence = at, coin.SequenceFinal-1 })
}

func TestWitnessRules(t *testing.T) {
	runSpoils(t, []spoil{
		{name: "no reserved value", do: func(s *scene) { s.edit(0, func(tx *coin.Tx) { tx.In[0].Witness = nil }) }, reason: "bad-witness-nonce-size", kind: Mutated, seal: sealMerkle},
		{name: "a reserved value of 31 bytes", do: func(s *scene) { s.edit(0, func(tx *coin.Tx) { tx.In[0].Witness[0] = make([]byte, 31) }) }, reason: "bad-witness-nonce-size", kind: Mutated, seal: sealMerkle},
		{name: "two reserved values", do: func(s *scene) {
			s.edit(0, func(tx *coin.Tx) { tx.In[0].Witness = append(tx.In[0].Witness, make([]byte, 32)) })
		}, reason: "bad-witness-nonce-size", kind: Mutated, seal: sealMerkle},
		{name: "another reserved value", do: func(s *scene) { s.edit(0, func(tx *coin.Tx) { tx.In[0].Witness[0][0] = 1 }) }, reason: "bad-witness-merkle-match", kind: Mutated, seal: sealMerkle},
		{name: "witness data swapped under the header", do: func(s *scene) { s.edit(1, func(tx *coin.Tx) { tx.In[0].Witness[0][0] = 9 }) }, reason: "bad-witness-merkle-match", kind: Mutated, seal: sealWork},
		{name: "witness data nothing commits to", do: func(s *scene) {
			s.edit(0, func(tx *coin.Tx) { tx.Out, tx.In[0].Witness = tx.Out[:1], nil })
		}, reason: "unexpected-witness", kind: Mutated, seal: sealMerkle},
		{name: "no commitment where there is no witness data", do: func(s *scene) {
			s.edit(0, func(tx *coin.Tx) { tx.Out, tx.In[0].Witness = tx.Out[:1], nil })
			s.edit(1, func(tx *coin.Tx) { tx.In[0].Witness = nil })
		}, seal: sealMerkle},
		{name: "two commitments, the last of which counts", do: func(s *scene) {
			s.edit(0, func(tx *coin.Tx) {
				stale := tx.Out[1]
				stale.Script = slices.Clone(stale.Script)
				stale.Script[7] ^= 1
				tx.Out = []coin.TxOut{tx.Out[0], stale, tx.Out[1]}
			})
		}, seal: sealMerkle},
		{name: "weight at the limit", do: func(s *scene) { s.fill(MaxBlockWeight) }},
		{name: "weight over the limit", do: func(s *scene) { s.fill(MaxBlockWeight + 1) }, reason: "bad-blk-weight"},
	})
}

// fill pads the witness data until the block has that weight.
func (s *scene) fill(weight int) {
	s.edit(1, func(tx *coin.Tx) { tx.In[0].Witness[0] = make([]byte, 3_900_000) })
	short := weight - s.Weight()
	s.edit(1, func(tx *coin.Tx) { tx.In[0].Witness[0] = make([]byte, 3_900_000+short) })
}

func TestConnectRules(t *testing.T) {
	runSpoils(t, []spoil{
		{name: "a coin that is not there", do: func(s *scene) { s.add(pay(1, coin.OutPoint{Index: 7})) }, reason: "bad-txns-inputs-missingorspent"},
		{name: "a coin spent twice in the block", do: func(s *scene) { s.add(pay(1, output(s.parent, 0))) }, reason: "bad-txns-inputs-missingorspent"},
		{name: "a coin made later in the block", do: func(s *scene) { s.Txs[1], s.Txs[2] = s.Txs[2], s.Txs[1] }, reason: "bad-txns-inputs-missingorspent"},
		{name: "an output that is not there", do: func(s *scene) { s.add(pay(1, output(s.parent, 2))) }, reason: "bad-txns-inputs-missingorspent"},
		{name: "an output nobody can spend", do: func(s *scene) {
			burn := pay(1, output(s.parent, 1))
			burn.Out[0].Script = []byte{0x6a}
			s.add(burn, pay(0, output(burn, 0)))
		}, reason: "bad-txns-inputs-missingorspent"},
		{name: "a transaction whose outputs are there already", do: func(s *scene) { s.coins[output(s.child, 0)] = Coin{} }, reason: "bad-txns-BIP30"},
		{name: "repeating a confirmed transaction", do: func(s *scene) {
			again := pay(1, s.give(1, anyone))
			s.accept(s.block(0, again))
			s.Block = s.block(0, again)
		}, reason: "bad-txns-BIP30"},
		{name: "a coinbase of 99 blocks ago", do: func(s *scene) { s.add(pay(1, s.coinbase(99))) }, reason: "bad-txns-premature-spend-of-coinbase"},
		{name: "a coinbase of 100 blocks ago", do: func(s *scene) { s.add(pay(1, s.coinbase(100))) }},
		{name: "this block's own coinbase", do: func(s *scene) {
			// The commitment depends on what comes after the coinbase, so spend it without one.
			s.Txs = s.Txs[:1]
			s.edit(0, func(tx *coin.Tx) { tx.Out, tx.In[0].Witness = tx.Out[:1], nil; tx.Out[0].Value = 1 })
			s.add(pay(1, output(s.Txs[0], 0)))
		}, reason: "bad-txns-premature-spend-of-coinbase", seal: sealMerkle},
		{name: "a crumb more out than in", do: func(s *scene) { s.add(pay(6, s.give(5, anyone))) }, reason: "bad-txns-in-belowout"},
		{name: "a coin over all the money", do: func(s *scene) { s.add(pay(1, s.give(coin.MaxMoney+1, anyone))) }, reason: "bad-txns-inputvalues-outofrange"},
		{name: "coins that add up to over all the money", do: func(s *scene) { s.add(pay(1, s.give(coin.MaxMoney, anyone), s.give(1, anyone))) }, reason: "bad-txns-inputvalues-outofrange"},
		{name: "fees that add up to over all the money", do: func(s *scene) { s.add(pay(0, s.give(coin.MaxMoney, anyone))) }, reason: "bad-txns-accumulated-fee-outofrange"},
		{name: "a crumb too much for the miner", do: func(s *scene) { s.edit(0, func(tx *coin.Tx) { tx.Out[0].Value++ }) }, reason: "bad-cb-amount"},
		{name: "a crumb less for the miner", do: func(s *scene) { s.edit(0, func(tx *coin.Tx) { tx.Out[0].Value-- }) }},
		{name: "P2SH signature checks over the limit", do: func(s *scene) { s.sigOps(5_000, 15_001) }, reason: "bad-blk-sigops"},
		{name: "P2SH signature checks at the limit", do: func(s *scene) { s.sigOps(5_000, 15_000) }},
		{name: "a fee error before a signature check error", do: func(s *scene) { s.sigOps(5_000, 15_001); s.Txs[3].Out[0].Value = coin.MaxMoney }, reason: "bad-txns-in-belowout"},
	})
}

// coinbase makes a coin as of a coinbase so many blocks before the one to come.
func (s *scene) coinbase(depth int32) coin.OutPoint {
	o := s.give(1, anyone)
	s.coins[o] = Coin{Out: s.coins[o].Out, Height: s.height() - depth, Coinbase: true}
	return o
}

// sigOps adds that many legacy signature checks, and P2SH ones.
func (s *scene) sigOps(legacy, hidden int) {
	p2sh := s.give(1, script.PayToScriptHash([20]byte{}))
	tx := pay(1, p2sh)
	tx.Out[0].Script = bytes.Repeat([]byte{0xac}, legacy)
	// Each pushed redeem script may have any size here: consensus only counts, scripts run later.
	tx.In[0].Script = script.PushData(bytes.Repeat([]byte{0xac}, hidden))
	s.add(tx)
}

func TestRelativeLocks(t *testing.T) {
	const timeFlag = 1 << 22
	row := func(name string, age int32, version int32, sequence uint32, reason string) spoil {
		return spoil{name: name, reason: reason, do: func(s *scene) {
			o := s.give(1, anyone)
			s.coins[o] = Coin{Out: s.coins[o].Out, Height: s.height() - age}
			tx := pay(1, o)
			tx.Version, tx.In[0].Sequence = version, sequence
			s.add(tx)
		}}
	}
	// Blocks of the scene are ten minutes apart, a little more than one unit of 512 s.
	runSpoils(t, []spoil{
		row("three blocks after two", 2, 2, 3, "bad-txns-nonfinal"),
		row("three blocks after three", 3, 2, 3, ""),
		row("the lock switched off", 2, 2, 3|1<<31, ""),
		row("version 1 has no locks", 2, 1, 3, ""),
		row("a negative version has", 2, -1, 3, "bad-txns-nonfinal"),
		row("bits beyond the mask mean nothing", 3, 2, 3|1<<16, ""),
		row("four units after three blocks", 3, 2, 4|timeFlag, "bad-txns-nonfinal"),
		row("three units after three blocks", 3, 2, 3|timeFlag, ""),
		row("two units in the same block", 0, 2, 2|timeFlag, "bad-txns-nonfinal"),
		row("nothing to wait for in the same block", 0, 2, 0, ""),
	})
}

// flatTime is a past in which the block of height h has a median time of 1000 h.
type flatTime struct{}

func (flatTime) MedianTime(height int32) uint32 { return 1000 * uint32(height) }

func TestSequenceLocksToTheSecond(t *testing.T) {
	tx := pay(1, coin.OutPoint{Index: 1}, coin.OutPoint{Index: 2}, coin.OutPoint{Index: 3})
	tx.In[0].Sequence, tx.In[1].Sequence, tx.In[2].Sequence = 7, 1<<22|2, 1<<31
	minHeight, minTime := SequenceLocks(tx, []int32{10, 20, 30}, flatTime{})
	if minHeight != 16 || minTime != 19_000+1024-1 {
		t.Fatalf("locked up to height %d and time %d", minHeight, minTime)
	}
	for _, c := range []struct {
		height int32
		median uint32
		open   bool
	}{{17, 20_024, true}, {16, 20_024, false}, {17, 20_023, false}} {
		if got := LocksOpen(minHeight, minTime, c.height, c.median); got != c.open {
			t.Errorf("height %d, median time %d: open %v", c.height, c.median, got)
		}
	}
	tx.In[1].Sequence = 1 << 22
	if _, minTime := SequenceLocks(tx, []int32{10, 0, 30}, flatTime{}); minTime != -1 {
		t.Errorf("a coin of genesis: locked up to %d", minTime)
	}
}

func TestOldVersionsEndAtTheirOwnHeights(t *testing.T) {
	p := coin.Regtest()
	p.Heights = coin.Heights{BIP34: 2, BIP66: 4, BIP65: 6}
	for height, oldest := range map[int32]int32{1: -1 << 31, 2: 2, 3: 2, 4: 3, 5: 3, 6: 4} {
		h := newHarness(t, p)
		h.grow(int(height) - 1)
		b := h.block(0)
		b.Version = oldest
		work(&b.Header)
		if _, err := h.tip().CheckHeader(b.Header, h.now); err != nil {
			t.Errorf("version %d at height %d: %v", oldest, height, err)
		}
		if b.Version--; oldest > 0 {
			work(&b.Header)
			h.reject(b, badVersion(oldest-1), Invalid)
		}
	}
}

func TestRulesBeforeTheirHeights(t *testing.T) {
	p := coin.Regtest()
	p.Heights = coin.Heights{BIP34: 100, BIP65: 100, BIP66: 100, CSV: 100, Segwit: 100}
	h := newHarness(t, p)
	h.grow(3)
	locked := pay(1, h.give(1, anyone))
	locked.In[0].Sequence = 50
	b := h.block(0, locked)
	b.Version = 1
	b.Txs[0] = &coin.Tx{Version: 1, In: []coin.TxIn{{Prev: coin.OutPoint{Index: coin.NullIndex}, Script: []byte{9, 9}}}, Out: b.Txs[0].Out[:1]}
	b.Merkle, _ = b.MerkleRoot()
	h.accept(b)
	if got := ScriptFlags(p, 99); got != script.P2SH|script.Witness|script.Taproot {
		t.Errorf("script flags before all heights: %b", got)
	}
	if got := ScriptFlags(p, 100); got != script.Mandatory {
		t.Errorf("script flags after all heights: %b", got)
	}
	b = h.block(0)
	SetWitnessCommitment(b)
	work(&b.Header)
	h.reject(b, "unexpected-witness", Mutated)
}

func TestWitnessCommitmentReplacesAnOlderOne(t *testing.T) {
	s := newScene(t)
	s.add(pay(1, s.give(1, anyone)))
	SetWitnessCommitment(s.Block)
	if n := len(s.Txs[0].Out); n != 2 {
		t.Fatalf("%d coinbase outputs, want 2", n)
	}
	i, commitment, ok := WitnessCommitment(s.Block)
	if !ok || i != 1 || commitment.IsZero() {
		t.Fatalf("commitment %v at %d, %v", commitment, i, ok)
	}
	s.accept(s.Block)
}
