package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apiserver/pkg/endpoints/handlers/fieldmanager"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/util/csaupgrade"
	"k8s.io/kube-openapi/pkg/validation/spec"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
	"sigs.k8s.io/structured-merge-diff/v6/typed"
)

func init() {
	if err := apiextensionsv1.AddToScheme(scheme.Scheme); err != nil {
		panic(err)
	}
}

// builtinTypes reads the OpenAPI documents of the module k8s.io/kubernetes, the directory in $OPENAPI.
var builtinTypes = sync.OnceValue(func() managedfields.TypeConverter {
	files, err := filepath.Glob(filepath.Join(os.Getenv("OPENAPI"), "*_openapi.json"))
	if err != nil || len(files) == 0 {
		fail("no OpenAPI documents in $OPENAPI=%q", os.Getenv("OPENAPI"))
	}
	schemas := map[string]*spec.Schema{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			fail("%v", err)
		}
		var document struct {
			Components struct {
				Schemas map[string]*spec.Schema `json:"schemas"`
			} `json:"components"`
		}
		if err := json.Unmarshal(text, &document); err != nil {
			fail("%s: %v", file, err)
		}
		for name, schema := range document.Components.Schemas {
			schemas[name] = schema
		}
	}
	types, err := managedfields.NewTypeConverter(schemas, false)
	if err != nil {
		fail("%v", err)
	}
	return types
})

// A world is what the API server knows of one kind.
type world struct {
	types   managedfields.TypeConverter
	gvk     schema.GroupVersionKind
	builtin bool
}

func (c *Case) world() (*world, error) {
	if c.Kind != "" {
		cut := strings.LastIndex(c.Kind, "/")
		gv, err := schema.ParseGroupVersion(c.Kind[:cut])
		return &world{types: builtinTypes(), gvk: gv.WithKind(c.Kind[cut+1:]), builtin: true}, err
	}
	gvk := schema.GroupVersionKind{Group: "example.com", Version: "v1", Kind: "Widget"}
	if c.Schema == nil {
		return &world{types: managedfields.NewDeducedTypeConverter(), gvk: gvk}, nil
	}
	var model spec.Schema
	if err := json.Unmarshal(*c.Schema, &model); err != nil {
		return nil, err
	}
	// As the API server's builder does: the standard fields beside what the schema declares.
	if model.Properties == nil {
		model.Properties = map[string]spec.Schema{}
	}
	model.Properties["apiVersion"] = *spec.StringProperty()
	model.Properties["kind"] = *spec.StringProperty()
	model.Properties["metadata"] = *spec.RefSchema("#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta")
	model.AddExtension("x-kubernetes-group-version-kind", []any{
		map[string]any{"group": gvk.Group, "version": gvk.Version, "kind": gvk.Kind},
	})
	schemas := map[string]*spec.Schema{"widget": &model}
	for name, schema := range metaSchemas() {
		schemas[name] = schema
	}
	types, err := managedfields.NewTypeConverter(schemas, false)
	return &world{types: types, gvk: gvk}, err
}

var metaSchemas = sync.OnceValue(func() map[string]*spec.Schema {
	text, err := os.ReadFile(filepath.Join(os.Getenv("OPENAPI"), "apis__apps__v1_openapi.json"))
	if err != nil {
		fail("%v", err)
	}
	var document struct {
		Components struct {
			Schemas map[string]*spec.Schema `json:"schemas"`
		} `json:"components"`
	}
	if err := json.Unmarshal(text, &document); err != nil {
		fail("%v", err)
	}
	out := map[string]*spec.Schema{}
	for name, schema := range document.Components.Schemas {
		if strings.HasPrefix(name, "io.k8s.apimachinery.") {
			delete(schema.Extensions, "x-kubernetes-group-version-kind")
			out[name] = schema
		}
	}
	return out
})

func (w *world) object(raw *json.RawMessage) (runtime.Object, error) {
	if !w.builtin {
		if raw == nil {
			empty := &unstructured.Unstructured{Object: map[string]any{}}
			empty.SetGroupVersionKind(w.gvk)
			return empty, nil
		}
		return w.dynamic(raw)
	}
	object, err := scheme.Scheme.New(w.gvk)
	if err != nil {
		return nil, err
	}
	if raw != nil {
		if err := json.Unmarshal(*raw, object); err != nil {
			return nil, err
		}
	}
	object.GetObjectKind().SetGroupVersionKind(w.gvk)
	return object, nil
}

func (w *world) dynamic(raw *json.RawMessage) (*unstructured.Unstructured, error) {
	object := &unstructured.Unstructured{}
	return object, object.UnmarshalJSON(*raw)
}

// kindKeeper converts nothing but fills in the kind, and turns dynamic objects into Go structs.
type kindKeeper struct{ *world }

func (k kindKeeper) Convert(in, out, context any) error { return fmt.Errorf("not needed") }

func (k kindKeeper) ConvertToVersion(in runtime.Object, _ runtime.GroupVersioner) (runtime.Object, error) {
	if dynamic, ok := in.(*unstructured.Unstructured); ok && k.builtin {
		text, err := dynamic.MarshalJSON()
		if err != nil {
			return nil, err
		}
		raw := json.RawMessage(text)
		return k.object(&raw)
	}
	out := in.DeepCopyObject()
	out.GetObjectKind().SetGroupVersionKind(k.gvk)
	return out, nil
}

func (k kindKeeper) ConvertFieldLabel(schema.GroupVersionKind, string, string) (string, string, error) {
	return "", "", fmt.Errorf("not needed")
}

func (k kindKeeper) Default(runtime.Object) {}

func (k kindKeeper) New(schema.GroupVersionKind) (runtime.Object, error) { return k.object(nil) }

func (w *world) manager(c *Case) (*managedfields.FieldManager, error) {
	var resets map[fieldpath.APIVersion]fieldpath.Filter
	if c.Resets != nil {
		set := &fieldpath.Set{}
		if err := set.FromJSON(bytes.NewReader(*c.Resets)); err != nil {
			return nil, err
		}
		version := fieldpath.APIVersion(w.gvk.GroupVersion().String())
		resets = map[fieldpath.APIVersion]fieldpath.Filter{version: fieldpath.NewExcludeSetFilter(set)}
	}
	keeper := kindKeeper{w}
	make := managedfields.NewDefaultFieldManager
	if !w.builtin {
		make = managedfields.NewDefaultCRDFieldManager
	}
	return make(w.types, keeper, keeper, keeper, w.gvk, w.gvk.GroupVersion(), c.Subresource, resets)
}

// plain is the object as JSON with the times of this run replaced.
func plain(object runtime.Object) (any, error) {
	text, err := json.Marshal(object)
	if err != nil {
		return nil, err
	}
	var out map[string]any
	if err := json.Unmarshal(text, &out); err != nil {
		return nil, err
	}
	if metadata, ok := out["metadata"].(map[string]any); ok {
		entries, _ := metadata["managedFields"].([]any)
		for _, entry := range entries {
			entry := entry.(map[string]any)
			if time, ok := entry["time"].(string); ok && time > "2025" {
				entry["time"] = Now
			}
		}
		if metadata["creationTimestamp"] == nil {
			delete(metadata, "creationTimestamp")
		}
	}
	return map[string]any{"object": out}, nil
}

func apply(c *Case) (any, error) {
	w, err := c.world()
	if err != nil {
		return nil, err
	}
	live, err := w.object(c.Live)
	if err != nil {
		return nil, err
	}
	applied, err := w.dynamic(c.Object)
	if err != nil {
		return nil, err
	}
	manager, err := w.manager(c)
	if err != nil {
		return nil, err
	}
	object, err := manager.Apply(live, applied, c.Manager, c.Force)
	if status, ok := err.(*errors.StatusError); ok && status.ErrStatus.Details != nil {
		causes := []any{}
		for _, cause := range status.ErrStatus.Details.Causes {
			causes = append(causes, map[string]any{"message": cause.Message, "field": cause.Field})
		}
		return map[string]any{"error": status.ErrStatus.Message, "causes": causes}, nil
	}
	if err != nil {
		return nil, err
	}
	if object, err = (kindKeeper{w}).ConvertToVersion(object, nil); err != nil {
		return nil, err
	}
	if c.Live != nil {
		if object, err = fieldmanager.IgnoreManagedFieldsTimestampsTransformer(context.Background(), object, live); err != nil {
			return nil, err
		}
	}
	return plain(object)
}

func update(c *Case) (any, error) {
	w, err := c.world()
	if err != nil {
		return nil, err
	}
	live, err := w.object(c.Live)
	if err != nil {
		return nil, err
	}
	object, err := w.object(c.Object)
	if err != nil {
		return nil, err
	}
	manager, err := w.manager(c)
	if err != nil {
		return nil, err
	}
	object = manager.UpdateNoErrors(live, object, c.Manager)
	if c.Live != nil {
		if object, err = fieldmanager.IgnoreManagedFieldsTimestampsTransformer(context.Background(), object, live); err != nil {
			return nil, err
		}
	}
	return plain(object)
}

func fields(c *Case) (any, error) {
	w, err := c.world()
	if err != nil {
		return nil, err
	}
	object, err := w.dynamic(c.Object)
	if err != nil {
		return nil, err
	}
	value, err := w.types.ObjectToTyped(object, typed.AllowDuplicates)
	if err != nil {
		return nil, err
	}
	set, err := value.ToFieldSet()
	if err != nil {
		return nil, err
	}
	text, err := set.ToJSON()
	return map[string]any{"fields": json.RawMessage(text)}, err
}

func upgrade(c *Case) (any, error) {
	object := &unstructured.Unstructured{}
	if err := object.UnmarshalJSON(*c.Live); err != nil {
		return nil, err
	}
	// The library takes a set and so an order of its own; one name at a time is the order given.
	for _, from := range c.From {
		if err := csaupgrade.UpgradeManagedFields(object, sets.New(from), c.Manager); err != nil {
			return nil, err
		}
	}
	return plain(object)
}
