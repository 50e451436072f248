//go:build race

package script

// recordedInputs is how many of a recording's inputs are checked: the race detector makes all of it ten times as slow.
const recordedInputs = 500
