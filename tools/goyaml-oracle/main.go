// Command goyaml-oracle answers, for crates/core/goyaml's cases, what sigs.k8s.io/yaml does with them.
//
// It reads JSON lines and writes them back with the expectation filled in:
//
//	{"name": "…", "yaml": "…"}  ->  the same with "json" (the JSON text) or "error"
//	{"name": "…", "json": "…"}  ->  the same with "yaml", for -emit
//
// The files of cases are their own input, so that they can be answered anew:
//
//	go run . <../../crates/core/goyaml/tests/cases/parse.jsonl
//	go run . -emit <../../crates/core/goyaml/tests/cases/emit.jsonl
//
// A case may have "base64" instead of "yaml", for texts that are not UTF-8.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"

	"sigs.k8s.io/yaml"
)

type testCase struct {
	Name   string  `json:"name"`
	Note   string  `json:"note,omitempty"`
	Base64 []byte  `json:"base64,omitempty"`
	YAML   *string `json:"yaml,omitempty"`
	JSON   *string `json:"json,omitempty"`
	Error  string  `json:"error,omitempty"`
}

func main() {
	emit := flag.Bool("emit", false, "cases have JSON and want YAML")
	flag.Parse()
	if err := run(*emit); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(emit bool) error {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 64<<20)
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	for in.Scan() {
		if strings.TrimSpace(in.Text()) == "" {
			continue
		}
		var c testCase
		if err := json.Unmarshal(in.Bytes(), &c); err != nil {
			return fmt.Errorf("%s: %w", in.Text(), err)
		}
		answer(&c, emit)
		if err := out.Encode(c); err != nil {
			return err
		}
	}
	return in.Err()
}

func answer(c *testCase, emit bool) {
	defer func() {
		if p := recover(); p != nil {
			c.Error = fmt.Sprintf("panic: %v", p)
		}
	}()
	c.Error = ""
	var got []byte
	var err error
	if emit {
		var value any
		decoder := json.NewDecoder(strings.NewReader(*c.JSON))
		decoder.UseNumber()
		if err = decoder.Decode(&value); err == nil {
			got, err = yaml.Marshal(plainNumbers(value))
		}
		c.YAML = text(got, err)
	} else {
		given := c.Base64
		if c.YAML != nil {
			given = []byte(*c.YAML)
		}
		got, err = yaml.YAMLToJSON(given)
		c.JSON = text(got, err)
	}
	if err != nil {
		c.Error = err.Error()
	}
}

// plainNumbers turns JSON numbers into what Go code would hold: integers where they are written as such, else floats.
func plainNumbers(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for key, child := range v {
			v[key] = plainNumbers(child)
		}
	case []any:
		for i, child := range v {
			v[i] = plainNumbers(child)
		}
	case json.Number:
		if i, err := strconv.ParseInt(v.String(), 10, 64); err == nil {
			return i
		}
		if u, err := strconv.ParseUint(v.String(), 10, 64); err == nil {
			return u
		}
		f, _ := v.Float64()
		return f
	}
	return value
}

func text(b []byte, err error) *string {
	if err != nil {
		return nil
	}
	s := string(b)
	return &s
}
