// Command zero prints, for each Go struct of Kubernetes' API, which JSON fields it always writes ("always", with the
// value that an untouched struct has) and which plain fields it leaves out when they are zero ("omits"). The OpenAPI
// documents do not say so.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
)

type fields struct {
	Always map[string]any `json:"always,omitempty"`
	Omits  []string       `json:"omits,omitempty"`
}

var (
	found     = map[string]*fields{}
	marshaler = reflect.TypeFor[json.Marshaler]()
)

func main() {
	schemes := []*runtime.Scheme{scheme.Scheme, runtime.NewScheme(), runtime.NewScheme()}
	for _, err := range []error{apiextensionsv1.AddToScheme(schemes[1]), apiregistrationv1.AddToScheme(schemes[2])} {
		if err != nil {
			fail(err)
		}
	}
	for _, scheme := range schemes {
		for _, t := range scheme.AllKnownTypes() {
			visit(t)
		}
	}
	out := json.NewEncoder(os.Stdout)
	out.SetIndent("", " ")
	if err := out.Encode(found); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// name is the type's name in the OpenAPI documents: k8s.io/api/apps/v1.Deployment is io.k8s.api.apps.v1.Deployment.
func name(t reflect.Type) string {
	host, path, _ := strings.Cut(t.PkgPath(), "/")
	parts := strings.Split(host, ".")
	for i, j := 0, len(parts)-1; i < j; i, j = i+1, j-1 {
		parts[i], parts[j] = parts[j], parts[i]
	}
	return strings.Join(parts, ".") + "." + strings.ReplaceAll(path, "/", ".") + "." + t.Name()
}

func visit(t reflect.Type) {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Array:
		visit(t.Elem())
		return
	case reflect.Struct:
	default:
		return
	}
	if t.Implements(marshaler) || reflect.PointerTo(t).Implements(marshaler) || found[name(t)] != nil {
		return
	}
	entry := &fields{Always: map[string]any{}}
	found[name(t)] = entry
	text, err := json.Marshal(reflect.New(t).Interface())
	if err != nil {
		fail(err)
	}
	zero := map[string]any{}
	if err := json.Unmarshal(text, &zero); err != nil {
		fail(fmt.Errorf("%s: %w", name(t), err))
	}
	entry.add(t, zero)
}

func (f *fields) add(t reflect.Type, zero map[string]any) {
	for i := range t.NumField() {
		field := t.Field(i)
		key, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if key == "" && field.Anonymous {
			f.add(field.Type, zero)
			continue
		}
		if key == "" || key == "-" {
			continue
		}
		visit(field.Type)
		value, always := zero[key]
		if _, object := value.(map[string]any); object {
			value = map[string]any{} // The struct's own entry says what is in it.
		}
		if always {
			f.Always[key] = value
		}
		switch field.Type.Kind() {
		case reflect.Struct, reflect.Pointer, reflect.Slice, reflect.Map, reflect.Interface:
		default:
			if strings.Contains(options, "omitempty") {
				f.Omits = append(f.Omits, key)
			}
		}
	}
}
