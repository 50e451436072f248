//go:build race

package script

// sample is the part of a recording's steps that is verified: the race detector makes signatures ten times as dear.
const sample = 16
