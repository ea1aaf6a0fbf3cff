// Command rbac-oracle answers, for the cases of crates/core/rbac and crates/core/accounts, what the peer decides: its own enforcer (casbin, with its model
// and its built-in policy) and its own handling of claims, groups, project roles and tokens.
//
// It reads JSON lines and writes them back with the verdicts filled in; the files of cases are their own input:
//
//	go run . policies <../../crates/core/rbac/tests/cases/policies.jsonl
//	go run . generate -seed 1 -cases 110 | go run . policies >../../crates/core/rbac/tests/cases/random.jsonl
//	go run . sessions <../../crates/core/accounts/tests/cases/sessions.jsonl
//	go run . bench 200
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 0 {
		return errors.New("policies, sessions, generate or bench")
	}
	switch args[0] {
	case "policies":
		return answer(answerPolicy)
	case "sessions":
		return answer(answerSession)
	case "generate":
		flags := flag.NewFlagSet("generate", flag.ContinueOnError)
		seed := flags.Int64("seed", 1, "of the dice")
		cases := flags.Int("cases", 120, "how many policies")
		if err := flags.Parse(args[1:]); err != nil {
			return err
		}
		return generate(*seed, *cases, json.NewEncoder(os.Stdout))
	case "bench":
		if len(args) != 2 {
			return errors.New("bench LINES")
		}
		lines, err := strconv.Atoi(args[1])
		if err != nil {
			return err
		}
		return bench(lines)
	default:
		return fmt.Errorf("no such word: %s", args[0])
	}
}

// answer reads cases of one shape and writes them with their verdicts.
func answer[T any](judge func(*T) error) error {
	in := bufio.NewReader(os.Stdin)
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	for {
		line, err := in.ReadString('\n')
		if strings.TrimSpace(line) != "" {
			var c T
			if err := json.Unmarshal([]byte(line), &c); err != nil {
				return fmt.Errorf("%s: %w", line, err)
			}
			if err := judge(&c); err != nil {
				return err
			}
			if err := out.Encode(c); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
