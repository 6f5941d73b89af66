package conf

import _ "embed"

//go:embed example.toml
var example string

// Example gives the commented configuration that init writes. It loads as it
// is: what needs a secret file is commented out, with '#' directly before the
// key, and loads too once the files are there.
func Example() string { return example }
