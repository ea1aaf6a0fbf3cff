// Records what Sprig 3.3.0 and Helm 3.22.0's functions answer, for crates/core/sprig/tests/cases.
//
//	go run . > ../../crates/core/sprig/tests/cases/wild.jsonl
//
// Every function of the table is called with arguments of all sorts, and with the lines of templates.txt. A case is kept when it comes out
// the same twenty times: what is random, dated, or in the order of Go's maps is left out.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"text/template"
	"time"

	"github.com/Masterminds/sprig/v3"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
)

type record struct {
	ID       string  `json:"id"`
	Env      string  `json:"env"`
	Template string  `json:"template"`
	Data     any     `json:"data,omitempty"`
	Expect   *string `json:"expect,omitempty"`
	Error    *string `json:"error,omitempty"`
}

// Arguments, as template text.
var atoms = []string{
	`nil`, `true`, `0`, `-3`, `7`, `1.5`, `1e21`, `""`, `"a"`, `"Hello World"`, `"0x1F"`, `"1.50"`, `"-08"`, `"1_000"`, `"éa ß"`, `"a,b"`,
	`(list)`, `(list 1 "a" nil 1)`, `(dict)`, `(dict "a" 1 "b" (dict "c" (list 1)))`, `(until 3)`, `(splitList "," "b,a")`, `.f`, `.i`, `.s`,
	`(int64 3)`, `(float64 "2.5")`, `(toDate "2006-01-02" "2020-02-29")`, `(semver "1.2.3-rc.1+b")`,
}

func one(env, text string, data map[string]any) (out string, failure string) {
	defer func() {
		if r := recover(); r != nil {
			failure = fmt.Sprint("panic: ", r)
		}
	}()
	if env == "helm" {
		c := &chart.Chart{
			Metadata:  &chart.Metadata{Name: "t", Version: "0.1.0", APIVersion: "v2"},
			Templates: []*chart.File{{Name: "templates/t", Data: []byte(text)}},
		}
		values, err := chartutil.ToRenderValues(c, data, chartutil.ReleaseOptions{Name: "rel", Namespace: "ns", IsInstall: true, Revision: 1}, nil)
		if err != nil {
			return "", err.Error()
		}
		m, err := engine.Engine{}.Render(c, values)
		if err != nil {
			return "", err.Error()
		}
		return m["t/templates/t"], ""
	}
	t, err := template.New("t").Funcs(sprig.TxtFuncMap()).Parse(text)
	if err != nil {
		return "", err.Error()
	}
	var b bytes.Buffer
	if err := t.Execute(&b, data); err != nil {
		return "", err.Error()
	}
	return b.String(), ""
}

func main() {
	time.Local = time.UTC
	w := bufio.NewWriter(os.Stdout)
	defer w.Flush()
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	n := 0
	write := func(env, text string) {
		data := map[string]any{"f": 2.5, "i": 3, "s": "str", "n": nil, "l": []any{"x", 1}, "m": map[string]any{"k": "v"}}
		if env == "helm" {
			data = map[string]any{"f": 2.5, "i": float64(3), "s": "str", "l": []any{"x", float64(1)}, "m": map[string]any{"k": "v"}}
		}
		js, _ := json.Marshal(data)
		fresh := func() map[string]any {
			m := map[string]any{}
			json.Unmarshal(js, &m)
			if env != "helm" {
				m["i"] = 3
				m["l"] = []any{"x", 1}
			}
			return m
		}
		out, failure := one(env, text, fresh())
		for i := 0; i < 20; i++ {
			o, f := one(env, text, fresh())
			if o != out || f != failure {
				return
			}
		}
		if strings.Contains(out, time.Now().Format("2006-01-02")) || strings.HasPrefix(text, "{{ durationRound (toDate") || strings.HasPrefix(text, "{{ deepCopy (semver") {
			// What depends on the time; and a copy of a version loses its private fields.
			return
		}
		if strings.Contains(out+failure, "0xc0") || strings.HasPrefix(failure, "panic: ") || len(out) > 4000 {
			return
		}
		n++
		r := record{ID: fmt.Sprintf("wild/%04d", n), Env: env, Template: text}
		if strings.Contains(text, " .") {
			r.Data = data
		}
		if failure != "" {
			r.Error = &failure
		} else {
			r.Expect = &out
		}
		e.Encode(r)
	}
	f, err := os.Open("templates.txt")
	if err != nil {
		panic(err)
	}
	defer f.Close()
	scanner := bufio.NewScanner(f)
	for scanner.Scan() {
		line := scanner.Text()
		if strings.HasPrefix(line, "#") || line == "" {
			continue
		}
		env, text, _ := strings.Cut(line, " ")
		// ?: any argument; each stands for one template an argument. Two of them: a thin selection of all pairs.
		switch strings.Count(text, "?") {
		case 0:
			write(env, strings.ReplaceAll(text, `\n`, "\\n"))
		case 1:
			for _, a := range atoms {
				write(env, strings.Replace(text, "?", a, 1))
			}
		default:
			for i, a := range atoms {
				for j, b := range atoms {
					if (i*7+j*3)%11 == 0 {
						write(env, strings.Replace(strings.Replace(text, "?", a, 1), "?", b, 1))
					}
				}
			}
		}
	}
}
