package mempool

import (
	"maps"
	"testing"

	"pgregory.net/rapid"
)

// TestTrieIsAMapWithSnapshots drives a trie and a map alike, and checks that what a snapshot showed stays.
func TestTrieIsAMapWithSnapshots(t *testing.T) {
	type shot struct {
		trie trie[int, int]
		want map[int]int
	}
	rapid.Check(t, func(t *rapid.T) {
		var (
			tr    trie[int, int]
			model = map[int]int{}
			shots []shot
			key   = rapid.IntRange(0, 300)
		)
		for range rapid.IntRange(0, 400).Draw(t, "steps") {
			switch k := key.Draw(t, "key"); rapid.IntRange(0, 9).Draw(t, "op") {
			case 0:
				shots = append(shots, shot{tr.snapshot(), maps.Clone(model)})
			case 1, 2, 3:
				tr.delete(k)
				delete(model, k)
			default:
				v := rapid.Int().Draw(t, "value")
				tr.set(k, v)
				model[k] = v
			}
		}
		for _, s := range append(shots, shot{tr, model}) {
			if got := maps.Collect(s.trie.all()); !maps.Equal(got, s.want) || s.trie.len != len(s.want) {
				t.Fatalf("trie of %d has %v, want %v", s.trie.len, got, s.want)
			}
			for k := range 300 {
				got, ok := s.trie.get(k)
				if want, there := s.want[k]; ok != there || got != want {
					t.Fatalf("get %d: %v %v, want %v %v", k, got, ok, want, there)
				}
			}
		}
	})
}

// TestTrieCollisions puts keys of one hash into a slot, which seeded hashing never does by itself.
func TestTrieCollisions(t *testing.T) {
	tr := trie[int, string]{edit: new(edition)}
	for k, v := range []string{"brie", "gouda", "comté"} {
		tr.root, _ = tr.put(tr.root, 0, slot[int, string]{hash: 42, pairs: []pair[int, string]{{k, v}}})
	}
	shot := tr.snapshot()
	tr.edit = new(edition)
	tr.root = tr.cut(tr.root, 0, 42, 1)
	if got := maps.Collect(tr.all()); !maps.Equal(got, map[int]string{0: "brie", 2: "comté"}) {
		t.Errorf("after the cut: %v", got)
	}
	if got := maps.Collect(shot.all()); len(got) != 3 {
		t.Errorf("the snapshot changed: %v", got)
	}
}

func BenchmarkTrieSet(b *testing.B) {
	var tr trie[int, int]
	for i := range b.N {
		tr.set(i, i)
		if i%10 == 0 {
			tr.snapshot()
		}
	}
}
