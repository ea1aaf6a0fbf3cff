//go:build tools

// Package tools names the yq that pipelines of guides call.
package tools

import _ "github.com/mikefarah/yq/v4"
