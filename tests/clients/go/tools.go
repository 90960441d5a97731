//go:build tools

// Package tools names the programs of others that tests run, so that go.sum holds their hashes.
package tools

import (
	_ "filippo.io/torchwood/cmd/litewitness"
	_ "filippo.io/torchwood/cmd/spicy"
	_ "github.com/transparency-dev/tessera/cmd/fsck"
)
