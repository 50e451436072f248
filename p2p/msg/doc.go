// Package msg is the wire form of Bitcoin's peer-to-peer messages: the 24-byte frame header and a value for each command that
// cheese understands. Decoding is pure (bytes in, values out), refuses what is over Bitcoin Core's limits before it
// allocates, and keeps aliases into the payload it is given. Unknown commands are the caller's to ignore.
//
// See the protocol documentation at https://developer.bitcoin.org/reference/p2p_networking.html and BIPs 14, 31, 35,
// 37 (the relay flag alone), 130, 133, 144, 155 and 339.
package msg
