//go:build tools

// Package tools names the server that config management plugins are held against.
package tools

import _ "github.com/argoproj/argo-cd/v3/cmd"
