// Package rpc is the door for programs: JSON-RPC in Bitcoin Core 28's dialect, with its method names, argument order,
// named arguments, batches, result fields and error codes, over HTTP with Basic authentication or in process.
//
// All methods stand in one table (table.go gathers it from the rooms' files): name, category, arguments with their
// kinds, help texts and the function. The table drives argument checking, named arguments, "help", and the conversion
// of command-line words, so that a new method is one entry and one function.
//
// Error texts begin with Core's words, which callers look for, and may say more behind them. Where this program has no
// counterpart (address labels, transaction comments, fee estimation) an argument is accepted, and help says so.
package rpc
