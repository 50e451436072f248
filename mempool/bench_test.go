package mempool

import (
	"testing"

	"cheese/coin"
)

// BenchmarkAccept accepts independent payments, looking at the pool after each as a node does.
func BenchmarkAccept(b *testing.B) {
	w := newWorld(b, Options{})
	const width = 1000
	var from []coin.OutPoint
	for n := b.N; n > 0; n -= width {
		tx := w.pay(1000, min(n, width), w.funds(1)...)
		w.mine(tx)
		for i := range tx.Out {
			from = append(from, out(tx, i))
		}
	}
	txs := make([]*coin.Tx, b.N)
	for i := range txs {
		txs[i] = w.pay(1000+coin.Amount(i), 1, from[i])
	}
	for b.ResetTimer(); len(txs) > 0; txs = txs[1:] {
		if err := w.pool.Accept(txs[0]); err != nil {
			b.Fatal(err)
		}
		w.pool.View()
	}
	b.ReportMetric(float64(w.pool.View().Usage())/float64(b.N), "usage/tx")
}
