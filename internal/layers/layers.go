// Package layers holds the rules of the house as tests; it has no code.
//
// The house is a stack of storeys: internal/canary is the ground, cmd the
// roof. A package imports only from storeys strictly below its own, never up
// and never sideways, so every room can be read knowing what lies beneath it
// and nothing else. The tests keep the storey of every package in a Go map and
// compare it with the real imports: a package that is not in the map fails, and
// so does an entry without a package.
//
// Beside the storeys they hold: one outside library in one room; a comment of
// 5 to 40 lines on every package; a comment on every exported name; files of
// at most 400 lines, tests of at most 600.
//
// Tests are no rooms: they may import from anywhere but cmd.
package layers
