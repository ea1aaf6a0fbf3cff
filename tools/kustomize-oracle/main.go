// Command kustomize-oracle asks kustomize's own libraries for the verdict on each case of crate kustomize's tests.
// `verdicts` reads JSON lines and writes them back with "expected" filled in. See README.md.
package main

import (
	"fmt"
	"os"
)

func main() {
	commands := map[string]func() error{
		"schemas":     schemas,
		"field-specs": fieldSpecs,
		"verdicts":    verdicts,
	}
	if len(os.Args) != 2 || commands[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: kustomize-oracle schemas|field-specs|verdicts")
		os.Exit(2)
	}
	if err := commands[os.Args[1]](); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
