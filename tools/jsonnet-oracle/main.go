// Records what go-jsonnet, in the version that is in Argo CD 3.2, answers.
//
// Reads lines {"name", "program" or "files" and "file", "libs", "ext", "tlas"} and writes them with {"value"} or {"error", "place"}
// added; "place" is the innermost one that is not in the library:
//
//	go run . < cases.in > ../../crates/core/jsonnet/tests/cases/peer.jsonl
//
// With "-time 20 file.jsonnet" it evaluates the file so often, each time by a new machine, and writes {"seconds", "value"}: the CPU
// time of one evaluation, the first one left out.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/google/go-jsonnet"
)

type variable struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	Code  bool   `json:"code,omitempty"`
}

type line struct {
	Name    string            `json:"name"`
	Program string            `json:"program,omitempty"`
	Files   map[string]string `json:"files,omitempty"`
	File    string            `json:"file,omitempty"`
	Libs    []string          `json:"libs,omitempty"`
	Ext     []variable        `json:"ext,omitempty"`
	TLAs    []variable        `json:"tlas,omitempty"`
	Value   json.RawMessage   `json:"value,omitempty"`
	Error   string            `json:"error,omitempty"`
	Place   string            `json:"place,omitempty"`
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

// evaluate does what Argo CD does with a file: the importer looks beside it, in the libraries from the last to the first, and in the
// application's directory.
func (l *line) evaluate(root string) (string, error) {
	files, file := l.Files, l.File
	if l.Program != "" {
		files, file = map[string]string{"a.jsonnet": l.Program}, "a.jsonnet"
	}
	for path, text := range files {
		check(os.MkdirAll(filepath.Join(root, filepath.Dir(path)), 0o755))
		check(os.WriteFile(filepath.Join(root, path), []byte(text), 0o644))
	}
	check(os.Chdir(root))
	vm := jsonnet.MakeVM()
	paths := []string{filepath.Dir(file)}
	vm.Importer(&jsonnet.FileImporter{JPaths: append(paths, l.Libs...)})
	for _, v := range l.Ext {
		if v.Code {
			vm.ExtCode(v.Name, v.Value)
		} else {
			vm.ExtVar(v.Name, v.Value)
		}
	}
	for _, v := range l.TLAs {
		if v.Code {
			vm.TLACode(v.Name, v.Value)
		} else {
			vm.TLAVar(v.Name, v.Value)
		}
	}
	return vm.EvaluateFile(file)
}

// used is the CPU time of this process so far, in seconds, that of its garbage collector included.
func used() float64 {
	var usage syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	seconds := func(t syscall.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }
	return seconds(usage.Utime) + seconds(usage.Stime)
}

func measure(runs int, file string) {
	evaluate := func() string {
		value, err := jsonnet.MakeVM().EvaluateFile(file)
		check(err)
		return value
	}
	value := evaluate()
	begin := used()
	for range runs {
		evaluate()
	}
	check(json.NewEncoder(os.Stdout).Encode(map[string]any{
		"seconds": (used() - begin) / float64(runs),
		"value":   json.RawMessage(value),
	}))
}

func main() {
	if len(os.Args) == 4 && os.Args[1] == "-time" {
		runs, err := strconv.Atoi(os.Args[2])
		check(err)
		measure(runs, os.Args[3])
		return
	}
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<24)
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	for in.Scan() {
		var l line
		check(json.Unmarshal(in.Bytes(), &l))
		root, err := os.MkdirTemp("", "jsonnet")
		check(err)
		value, failure := l.evaluate(root)
		l.Value, l.Error, l.Place = nil, "", ""
		if failure == nil {
			l.Value = json.RawMessage(value)
		} else {
			lines := strings.Split(failure.Error(), "\n")
			l.Error = lines[0]
			for _, place := range lines[1:] {
				ours := !strings.HasPrefix(place, "\t<std>") && !strings.HasPrefix(place, "\t<builtin>")
				if place, _, found := strings.Cut(strings.TrimPrefix(place, "\t"), "\t"); found && ours && strings.Contains(place, ":") {
					l.Place = place
					break
				}
			}
		}
		check(os.RemoveAll(root))
		check(out.Encode(&l))
	}
	check(in.Err())
	fmt.Fprintln(os.Stderr, "done")
}
