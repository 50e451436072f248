// Package coin holds the values everything else is made of: hashes, amounts, transactions, headers and blocks in
// Bitcoin's serialization, proof-of-work targets, addresses, and the parameters that tell one network from another.
//
// The codec is our own. It accepts every encoding that Bitcoin Core decodes, so that a block Core decodes and then
// rejects with a reason gets the same reason here, and it parses a block from one buffer: scripts and witness items
// alias that buffer and inputs and outputs come from slabs, which costs the garbage collector little. Identifiers
// are computed once, while parsing.
//
// Nothing here does I/O or reads a clock.
package coin
