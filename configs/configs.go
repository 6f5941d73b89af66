// Package configs holds the commented working examples of the configuration,
// and in recipes the help desks that Saltmine knows. The recipes are part of
// the program, so that recipe = "rt5" needs no file; everything else here is
// for people to copy: the example of a configuration for one machine, a block for
// each telephony provider, a dialplan for Asterisk and the units for systemd. The package has no code but the embedding and cannot fail.
package configs

import "embed"

// Recipes are the built-in recipes: recipes/NAME.toml.
//
//go:embed recipes/*.toml
var Recipes embed.FS
