// Command gotemplate-oracle answers, for crates/core/gotemplate's cases, what Go's text/template does with them.
//
// It reads JSON lines and writes them back with the verdict filled in:
//
//	{"name": "…", "template": "…", "data": …}  ->  the same with "expect" (the output) or "error"
//
// Numbers of the data are ints without point or exponent, else float64; "floats": true makes them all float64. A case may name "missingkey",
// "left" and "right" (delimiters) and "more" (texts parsed after the first, by name, in order). The files of cases are their own input:
//
//	go run . <../../crates/core/gotemplate/tests/cases/exec.jsonl
//
// With -tables it writes the classes of characters that the lexer and the printer need.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"text/template"
)

type named struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

type testCase struct {
	Name       string          `json:"name"`
	Template   string          `json:"template"`
	Data       json.RawMessage `json:"data,omitempty"`
	Floats     bool            `json:"floats,omitempty"`
	MissingKey string          `json:"missingkey,omitempty"`
	Left       string          `json:"left,omitempty"`
	Right      string          `json:"right,omitempty"`
	More       []named         `json:"more,omitempty"`
	Expect     *string         `json:"expect,omitempty"`
	Error      string          `json:"error,omitempty"`
}

func main() {
	withTables := flag.Bool("tables", false, "write the tables of characters")
	flag.Parse()
	if *withTables {
		tables(os.Stdout)
		return
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 64<<20)
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	for lines.Scan() {
		if strings.TrimSpace(lines.Text()) == "" {
			continue
		}
		var c testCase
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			return fmt.Errorf("%w: %s", err, lines.Text())
		}
		c.Expect, c.Error = nil, ""
		text, err := answer(c)
		if err != nil {
			c.Error = err.Error()
		} else {
			c.Expect = &text
		}
		if err := out.Encode(c); err != nil {
			return err
		}
	}
	return lines.Err()
}

func answer(c testCase) (string, error) {
	var data any
	if len(c.Data) > 0 {
		decoder := json.NewDecoder(bytes.NewReader(c.Data))
		decoder.UseNumber()
		if err := decoder.Decode(&data); err != nil {
			return "", err
		}
		data = numbers(data, c.Floats)
	}
	t := template.New("t").Delims(c.Left, c.Right)
	if c.MissingKey != "" {
		t.Option("missingkey=" + c.MissingKey)
	}
	if _, err := t.Parse(c.Template); err != nil {
		return "", err
	}
	for _, more := range c.More {
		if _, err := t.New(more.Name).Parse(more.Text); err != nil {
			return "", err
		}
	}
	var out bytes.Buffer
	err := t.Execute(&out, data)
	return out.String(), err
}

func numbers(value any, floats bool) any {
	switch value := value.(type) {
	case json.Number:
		if n, err := value.Int64(); err == nil && !floats {
			return int(n)
		}
		f, _ := value.Float64()
		return f
	case map[string]any:
		for key, item := range value {
			value[key] = numbers(item, floats)
		}
	case []any:
		for i, item := range value {
			value[i] = numbers(item, floats)
		}
	}
	return value
}
