// Records what the Lua of Argo CD (gopher-lua, with the sandbox and the JSON of its util/lua) answers.
//
// Reads lines {"script", "obj", "openLibs"} and writes them with {"result"} or {"error"} added:
//
//	go run . < cases.in > ../../crates/adapters/lua/tests/cases/peer.jsonl
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	lua "github.com/yuin/gopher-lua"
	luajson "layeh.com/gopher-json"
)

type line struct {
	Name     string          `json:"name"`
	Script   string          `json:"script"`
	Obj      json.RawMessage `json:"obj,omitempty"`
	OpenLibs bool            `json:"openLibs,omitempty"`
	Result   json.RawMessage `json:"result,omitempty"`
	Kind     string          `json:"kind,omitempty"`
	Error    string          `json:"error,omitempty"`
}

// value makes a Lua value of JSON: numbers are floats, null is nothing.
func value(l *lua.LState, v any) lua.LValue {
	switch v := v.(type) {
	case bool:
		return lua.LBool(v)
	case float64:
		return lua.LNumber(v)
	case string:
		return lua.LString(v)
	case []any:
		table := l.CreateTable(len(v), 0)
		for _, item := range v {
			table.Append(value(l, item))
		}
		return table
	case map[string]any:
		table := l.CreateTable(0, len(v))
		for key, item := range v {
			table.RawSetH(lua.LString(key), value(l, item))
		}
		return table
	}
	return lua.LNil
}

func run(c *line) {
	l := lua.NewState(lua.Options{SkipOpenLibs: !c.OpenLibs})
	defer l.Close()
	for name, open := range map[string]lua.LGFunction{
		lua.LoadLibName: lua.OpenPackage, lua.BaseLibName: lua.OpenBase, lua.TabLibName: lua.OpenTable,
	} {
		if err := l.CallByParam(lua.P{Fn: l.NewFunction(open), Protect: true}, lua.LString(name)); err != nil {
			panic(err)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	l.SetContext(ctx)
	var obj any = map[string]any{}
	if len(c.Obj) > 0 {
		if err := json.Unmarshal(c.Obj, &obj); err != nil {
			panic(err)
		}
	}
	l.SetGlobal("obj", value(l, obj))
	l.SetGlobal("actionParams", l.NewTable())
	if err := l.DoString(c.Script); err != nil {
		if api, ok := err.(*lua.ApiError); ok && api.Type == lua.ApiErrorRun {
			api.StackTrace = ""
		}
		c.Error = err.Error()
		return
	}
	result := l.Get(-1)
	c.Kind = result.Type().String()
	if result.Type() == lua.LTFunction || result.Type() == lua.LTNil {
		return
	}
	encoded, err := luajson.Encode(result)
	if err != nil {
		c.Error = err.Error()
		return
	}
	c.Result = encoded
}

func main() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 16<<20)
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	for in.Scan() {
		var c line
		if err := json.Unmarshal(in.Bytes(), &c); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		run(&c)
		if err := out.Encode(c); err != nil {
			panic(err)
		}
	}
}
