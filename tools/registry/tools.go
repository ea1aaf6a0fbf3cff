//go:build tools

// Package tools names the registry that charts are pulled from in tests.
package tools

import _ "github.com/distribution/distribution/v3/cmd/registry"
