package main

import (
	"encoding/json"
	"fmt"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	"k8s.io/apimachinery/pkg/util/jsonmergepatch"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/client-go/kubernetes/scheme"
)

func (c *Case) meta() (strategicpatch.LookupPatchMeta, error) {
	w, err := c.world()
	if err != nil {
		return nil, err
	}
	object, err := scheme.Scheme.New(w.gvk)
	if err != nil {
		return nil, err
	}
	return strategicpatch.NewPatchMetaFromStruct(object)
}

func raw(text []byte, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return map[string]any{"object": json.RawMessage(text)}, nil
}

func strategic(c *Case) (any, error) {
	meta, err := c.meta()
	if err != nil {
		return nil, err
	}
	return raw(strategicpatch.StrategicMergePatchUsingLookupPatchMeta(*c.Live, *c.Patch, meta))
}

func threeWay(c *Case) (any, error) {
	var original []byte
	if c.Original != nil {
		original = *c.Original
	}
	if c.Kind == "" {
		return raw(jsonmergepatch.CreateThreeWayJSONMergePatch(original, *c.Object, *c.Live))
	}
	meta, err := c.meta()
	if err != nil {
		return nil, err
	}
	return raw(strategicpatch.CreateThreeWayMergePatch(original, *c.Object, *c.Live, meta, true))
}

func jsonMerge(c *Case) (any, error) {
	return raw(jsonpatch.MergePatch(*c.Live, *c.Patch))
}

func jsonPatch(c *Case) (any, error) {
	patch, err := jsonpatch.DecodePatch(*c.Patch)
	if err != nil {
		return nil, fmt.Errorf("malformed: %w", err)
	}
	return raw(patch.Apply(*c.Live))
}
