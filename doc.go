// Package cheese is the root of the module and holds no code: the program is cmd/cheese, and each room beside it says
// in its package comment what it is for. The layers that keep the rooms apart are checked by this package's tests.
package cheese
