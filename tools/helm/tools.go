//go:build tools

// Package tools names the program that charts are held against.
package tools

import _ "helm.sh/helm/v3/cmd/helm"
