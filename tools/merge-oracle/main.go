// Command merge-oracle asks Kubernetes' own libraries for the verdict on each case of crate merge's tests.
// It reads JSON lines and writes them back with "expected" filled in. See README.md.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
)

// A Case is one line. Which of the fields are set depends on Op.
type Case struct {
	Name        string           `json:"name"`
	Op          string           `json:"op"`
	Kind        string           `json:"kind,omitempty"`   // "apps/v1/Deployment", of a built-in type
	Schema      *json.RawMessage `json:"schema,omitempty"` // openAPIV3Schema of a custom resource
	Live        *json.RawMessage `json:"live,omitempty"`
	Object      *json.RawMessage `json:"object,omitempty"`
	Original    *json.RawMessage `json:"original,omitempty"`
	Patch       *json.RawMessage `json:"patch,omitempty"`
	Manager     string           `json:"manager,omitempty"`
	Subresource string           `json:"subresource,omitempty"`
	Resets      *json.RawMessage `json:"resets,omitempty"` // fieldsV1 of what the endpoint resets
	From        []string         `json:"from,omitempty"`
	Force       bool             `json:"force,omitempty"`
	Expected    any              `json:"expected"`
}

// Now stands for the time of the operation under test.
const Now = "2030-01-01T00:00:00Z"

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 16<<20)
	out := bufio.NewWriter(os.Stdout)
	for lines.Scan() {
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		var c Case
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			fail("reading %q: %v", lines.Text(), err)
		}
		expected, err := judge(&c)
		if err != nil {
			expected = map[string]any{"error": err.Error()}
		}
		c.Expected = expected
		encoder := json.NewEncoder(out)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(&c); err != nil {
			fail("writing %s: %v", c.Name, err)
		}
		// One answer for each question, so that a script can ask on.
		if err := out.Flush(); err != nil {
			fail("writing %s: %v", c.Name, err)
		}
	}
	if err := lines.Err(); err != nil {
		fail("reading: %v", err)
	}
}

func fail(format string, args ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
	os.Exit(1)
}

func judge(c *Case) (any, error) {
	switch c.Op {
	case "apply":
		return apply(c)
	case "update":
		return update(c)
	case "fields":
		return fields(c)
	case "strategic":
		return strategic(c)
	case "three-way":
		return threeWay(c)
	case "json-merge":
		return jsonMerge(c)
	case "json-patch":
		return jsonPatch(c)
	case "upgrade":
		return upgrade(c)
	case "default":
		return defaulted(c)
	case "prune":
		return pruned(c)
	case "validate":
		return validated(c)
	}
	return nil, fmt.Errorf("unknown op %q", c.Op)
}
