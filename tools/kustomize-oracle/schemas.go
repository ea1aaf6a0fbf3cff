package main

import (
	"bufio"
	"fmt"
	"os"
	"sort"
	"strings"

	"k8s.io/kube-openapi/pkg/validation/spec"
	"sigs.k8s.io/kustomize/kyaml/openapi"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// schemas writes the compact table of list keys and scopes that crate kustomize reads (data/kubernetes.txt).
//
// One line a type: `type NAME field=EXPR …`, where EXPR is a type's name, `[EXPR]` a list that is replaced,
// `[EXPR]key,key` one that is merged by keys, `[]+` one of scalars that is merged, `{EXPR}` a map. One line a kind:
// `kind API_VERSION KIND SCOPE TYPE`, with N, C or - for the scope and - for a type in which no list is merged.
func schemas() error {
	definitions := openapi.Schema().Definitions
	out := bufio.NewWriter(os.Stdout)
	fmt.Fprintln(out, "# Written by tools/kustomize-oracle from kyaml's Kubernetes OpenAPI. Do not edit.")
	t := table{definitions: definitions, merges: map[string]bool{}}
	t.settle()
	names := make([]string, 0, len(definitions))
	for name := range definitions {
		names = append(names, name)
	}
	sort.Strings(names)
	var kinds []string
	for _, name := range names {
		definition := definitions[name]
		for _, gvk := range gvks(&definition) {
			scope := "-"
			if namespaced, found := openapi.IsNamespaceScoped(gvk); found {
				scope = "C"
				if namespaced {
					scope = "N"
				}
			}
			ref := "-"
			if t.merges[name] {
				ref = short(name)
			}
			if scope == "-" && ref == "-" {
				continue
			}
			kinds = append(kinds, strings.Join([]string{"kind", gvk.APIVersion, gvk.Kind, scope, ref}, " "))
		}
		if t.merges[name] {
			fmt.Fprintf(out, "type %s%s\n", short(name), t.fields(&definition))
		}
	}
	sort.Strings(kinds)
	for _, kind := range kinds {
		fmt.Fprintln(out, kind)
	}
	return out.Flush()
}

type table struct {
	definitions spec.Definitions
	merges      map[string]bool
}

// settle finds the types from which a merged list can be reached.
func (t *table) settle() {
	for changed := true; changed; {
		changed = false
		for name := range t.definitions {
			definition := t.definitions[name]
			if !t.merges[name] && t.fields(&definition) != "" {
				t.merges[name] = true
				changed = true
			}
		}
	}
}

func (t *table) fields(s *spec.Schema) string {
	names := make([]string, 0, len(s.Properties))
	for name := range s.Properties {
		names = append(names, name)
	}
	sort.Strings(names)
	var text strings.Builder
	for _, name := range names {
		property := s.Properties[name]
		if expression := t.expression(&property); expression != "" {
			fmt.Fprintf(&text, " %s=%s", name, expression)
		}
	}
	return text.String()
}

func (t *table) expression(s *spec.Schema) string {
	if ref := s.Ref.String(); ref != "" {
		name := strings.TrimPrefix(ref, "#/definitions/")
		if t.merges[name] {
			return short(name)
		}
		return ""
	}
	if s.AdditionalProperties != nil && s.AdditionalProperties.Schema != nil {
		if inner := t.expression(s.AdditionalProperties.Schema); inner != "" {
			return "{" + inner + "}"
		}
		return ""
	}
	if s.Items == nil || s.Items.Schema == nil {
		return ""
	}
	inner := t.expression(s.Items.Schema)
	strategy, keys := (&openapi.ResourceSchema{Schema: s}).PatchStrategyAndKeyList()
	merge := false
	for _, part := range strings.Split(strategy, ",") {
		merge = merge || part == "merge"
	}
	switch {
	case merge && len(keys) == 0:
		return "[" + inner + "]+"
	case merge:
		return "[" + inner + "]" + strings.Join(keys, ",")
	case inner != "":
		return "[" + inner + "]"
	default:
		return ""
	}
}

func short(name string) string {
	return strings.TrimPrefix(name, "io.k8s.")
}

func gvks(s *spec.Schema) []yaml.TypeMeta {
	list, _ := s.Extensions["x-kubernetes-group-version-kind"].([]interface{})
	var result []yaml.TypeMeta
	for _, entry := range list {
		fields, _ := entry.(map[string]interface{})
		text := func(key string) string { value, _ := fields[key].(string); return value }
		apiVersion := text("version")
		if group := text("group"); group != "" {
			apiVersion = group + "/" + apiVersion
		}
		result = append(result, yaml.TypeMeta{APIVersion: apiVersion, Kind: text("kind")})
	}
	return result
}
