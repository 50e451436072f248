// Package p2p speaks Bitcoin's peer-to-peer protocol: it finds peers, shakes hands, downloads and relays headers, blocks and
// transactions, and drops whoever breaks the rules, saying why.
//
// The protocol itself is a pure state machine (machine.step): events and the time go in, actions come out, and it
// reads chain and pool only through the immutable View that is handed to it. It opens no sockets, starts no
// goroutines, reads no clock, and takes its randomness from a seed, so that a trace of events replays exactly. Node is the
// edge around it: sockets, queues, disk reads and the workers that put blocks to the chain and transactions to the pool.
//
// Message encoding is in the sub-package msg.
package p2p
