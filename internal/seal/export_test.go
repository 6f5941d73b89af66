package seal

import "weak"

// What tests know of the keys that records are sealed with.
const (
	KeyLife = keyLife
	KeyMost = keyMost
)

// CurrentKey points to the key that a lid holds, and does not hold it.
func CurrentKey(l *Lid) weak.Pointer[shortKey] { return weak.Make(l.current.Load()) }

// Remembered says how many keys an opener remembers.
func Remembered(o *Opener) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.opened)
}
