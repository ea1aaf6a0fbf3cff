package main

import (
	"encoding/json"
	"sort"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	utiljson "k8s.io/apimachinery/pkg/util/json"
)

func (c *Case) custom() (*apiextensions.JSONSchemaProps, *structuralschema.Structural, map[string]any, error) {
	var v1 apiextensionsv1.JSONSchemaProps
	if err := json.Unmarshal(*c.Schema, &v1); err != nil {
		return nil, nil, nil, err
	}
	props := &apiextensions.JSONSchemaProps{}
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(&v1, props, nil); err != nil {
		return nil, nil, nil, err
	}
	structural, err := structuralschema.NewStructural(props)
	if err != nil {
		return nil, nil, nil, err
	}
	var object map[string]any
	err = utiljson.Unmarshal(*c.Object, &object)
	return props, structural, object, err
}

func defaulted(c *Case) (any, error) {
	_, structural, object, err := c.custom()
	if err != nil {
		return nil, err
	}
	defaulting.PruneNonNullableNullsWithoutDefaults(object, structural)
	defaulting.Default(object, structural)
	return map[string]any{"object": object}, nil
}

func pruned(c *Case) (any, error) {
	_, structural, object, err := c.custom()
	if err != nil {
		return nil, err
	}
	options := structuralschema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true}
	unknown := pruning.PruneWithOptions(object, structural, true, options)
	return map[string]any{"object": object, "unknown": unknown}, nil
}

func validated(c *Case) (any, error) {
	props, structural, object, err := c.custom()
	if err != nil {
		return nil, err
	}
	validator, _, err := validation.NewSchemaValidator(props)
	if err != nil {
		return nil, err
	}
	messages := []string{}
	for _, violation := range validation.ValidateCustomResource(nil, object, validator) {
		messages = append(messages, violation.Error())
	}
	for _, violation := range listtype.ValidateListSetsAndMaps(nil, structural, object) {
		messages = append(messages, violation.Error())
	}
	sort.Strings(messages)
	return map[string]any{"violations": messages}, nil
}
