//go:build !race

package script

// sample is the part of a recording's steps that is verified: all of it.
const sample = 1
