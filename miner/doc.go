// Package miner makes blocks: templates filled from the pool by fee rate, and the search for a nonce on a number of
// threads within a hash-rate limit.
//
// A Miner follows chain and pool by their doorbells: a new tip restarts the search at once, a better template at most
// once a second. What it finds goes through the chain like any other block, and is flushed because it is ours.
package miner
