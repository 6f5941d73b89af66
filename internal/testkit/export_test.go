package testkit

// Find is find, for the tests.
func Find(names ...string) (string, error) { return find(names...) }
