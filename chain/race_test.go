//go:build race

package chain_test

// slowed tells that the race detector makes checking signatures ten times as slow.
const slowed = true
