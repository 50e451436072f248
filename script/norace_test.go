//go:build !race

package script

// recordedInputs is how many of a recording's inputs are checked: all of them.
const recordedInputs = 1 << 30
