//go:build !race

package chain_test

const slowed = false
