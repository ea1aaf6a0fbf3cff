// Command globs answers what gobwas/glob 1.0.0 matches, for crates/core/rbac. A module of its own: Argo CD 3.2, which the other cases
// are held against, still has 0.2.3 and its errors.
//
//	go run . <../../../crates/core/rbac/tests/cases/globs.jsonl
//	go run . -generate 1500 | go run .
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand"
	"os"
	"strings"

	"github.com/gobwas/glob"
)

type globCase struct {
	Pattern string   `json:"pattern"`
	Texts   []string `json:"texts"`
	// A letter a text: y or n; or why the pattern cannot be read.
	Matches string `json:"matches,omitempty"`
	Error   string `json:"error,omitempty"`
}

func main() {
	count := flag.Int("generate", 0, "write so many cases instead, without answers")
	flag.Parse()
	if err := run(*count); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(count int) error {
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	dice := rand.New(rand.NewSource(7))
	for range count {
		if err := out.Encode(generate(dice)); err != nil {
			return err
		}
	}
	if count > 0 {
		return nil
	}
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		var c globCase
		if err := json.Unmarshal(in.Bytes(), &c); err != nil {
			return fmt.Errorf("%s: %w", in.Text(), err)
		}
		answer(&c)
		if err := out.Encode(c); err != nil {
			return err
		}
	}
	return in.Err()
}

func answer(c *globCase) {
	c.Matches, c.Error = "", ""
	pattern, err := glob.Compile(c.Pattern)
	if err != nil {
		c.Error = err.Error()
		return
	}
	for _, text := range c.Texts {
		if pattern.Match(text) {
			c.Matches += "y"
		} else {
			c.Matches += "n"
		}
	}
}

func generate(dice *rand.Rand) globCase {
	var c globCase
	c.Pattern = word(dice, `aaaabbb//***??[[]{{{}}},,,,!--c\`, 1+dice.Intn(9))
	for range 12 {
		c.Texts = append(c.Texts, word(dice, "abc/,-]", dice.Intn(7)))
	}
	return c
}

func word(dice *rand.Rand, letters string, length int) string {
	var text strings.Builder
	for range length {
		text.WriteByte(letters[dice.Intn(len(letters))])
	}
	return text.String()
}
