// Package rpc is the door for programs: JSON-RPC in Bitcoin Core 28's dialect, with its method names, argument order,
// named arguments, batches, result fields and error codes, over HTTP with Basic authentication or in process.
//
// All methods stand in one table (see methods.go): name, category, arguments with their kinds, a help text and the
// function. The table drives argument checking, named arguments, "help", and the conversion of command-line words, so
// that a new method is one entry and one function.
package rpc
