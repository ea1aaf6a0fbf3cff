package main

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"sigs.k8s.io/yaml"
)

// fieldSpecs writes kustomize's default field specs, one JSON line each. They are in an internal package, so its
// string constants are read from its source in the module cache.
func fieldSpecs() error {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/kustomize/api").Output()
	if err != nil {
		return fmt.Errorf("finding the module: %w", err)
	}
	files, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(dir)), "internal/konfig/builtinpluginconsts/*.go"))
	if err != nil {
		return err
	}
	constants := map[string]ast.Expr{}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(parsed, func(node ast.Node) bool {
			if value, ok := node.(*ast.ValueSpec); ok && len(value.Values) == len(value.Names) {
				for i, name := range value.Names {
					constants[name.Name] = value.Values[i]
				}
			}
			return true
		})
	}
	type gvk struct {
		Group   string `json:"group,omitempty"`
		Version string `json:"version,omitempty"`
		Kind    string `json:"kind,omitempty"`
	}
	type field struct {
		gvk    `json:",inline"`
		Path   string `json:"path"`
		Create bool   `json:"create,omitempty"`
	}
	type row struct {
		field      `json:",inline"`
		FieldSpecs []field `json:"fieldSpecs,omitempty"`
	}
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	for _, name := range []string{
		"namePrefixFieldSpecs", "nameSuffixFieldSpecs", "commonLabelFieldSpecs", "templateLabelFieldSpecs",
		"volumeClaimTemplateLabelFieldSpecs", "commonAnnotationFieldSpecs", "namespaceFieldSpecs",
		"varReferenceFieldSpecs", "nameReferenceFieldSpecs", "imagesFieldSpecs", "replicasFieldSpecs",
	} {
		tables := map[string][]row{}
		if err := yaml.Unmarshal([]byte(text(constants, constants[name])), &tables); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		for table, rows := range tables {
			for _, r := range rows {
				if len(r.FieldSpecs) == 0 {
					if err := out.Encode(map[string]any{"table": table, "spec": r.field}); err != nil {
						return err
					}
				}
				for _, spec := range r.FieldSpecs {
					if err := out.Encode(map[string]any{"table": table, "names": r.gvk, "spec": spec}); err != nil {
						return err
					}
				}
			}
		}
	}
	return nil
}

// text evaluates a string constant: a literal, another constant, or a sum of these.
func text(constants map[string]ast.Expr, expression ast.Expr) string {
	switch e := expression.(type) {
	case *ast.BasicLit:
		value, _ := strconv.Unquote(e.Value)
		return value
	case *ast.Ident:
		return text(constants, constants[e.Name])
	case *ast.BinaryExpr:
		return text(constants, e.X) + text(constants, e.Y)
	default:
		return ""
	}
}
