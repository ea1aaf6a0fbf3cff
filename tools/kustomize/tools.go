//go:build tools

// Package tools names the program that kustomizations are held against.
package tools

import _ "sigs.k8s.io/kustomize/kustomize/v5"
