package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"

	"sigs.k8s.io/kustomize/api/builtins"
	"sigs.k8s.io/kustomize/api/filters/imagetag"
	"sigs.k8s.io/kustomize/api/filters/patchjson6902"
	"sigs.k8s.io/kustomize/api/filters/patchstrategicmerge"
	"sigs.k8s.io/kustomize/api/filters/replacement"
	"sigs.k8s.io/kustomize/api/filters/replicacount"
	"sigs.k8s.io/kustomize/api/hasher"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/kv"
	"sigs.k8s.io/kustomize/api/pkg/loader"
	"sigs.k8s.io/kustomize/api/provider"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/kustomize/kyaml/kio"
	"sigs.k8s.io/kustomize/kyaml/yaml"
	k8syaml "sigs.k8s.io/yaml"
)

// A Case is one line. Which of the fields are set depends on Op. Resources and patches are YAML.
type Case struct {
	Name      string            `json:"name"`
	Op        string            `json:"op"`
	Resources string            `json:"resources,omitempty"`
	Patch     string            `json:"patch,omitempty"`
	Config    string            `json:"config,omitempty"`
	Files     map[string]string `json:"files,omitempty"`
	Helm      *Flags            `json:"helm,omitempty"`
	Expected  any               `json:"expected"`
}

// verdicts answers each case on standard input.
func verdicts() error {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 16<<20)
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	for lines.Scan() {
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		var c Case
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			return fmt.Errorf("reading %q: %w", lines.Text(), err)
		}
		c.Expected = answer(&c)
		if err := out.Encode(&c); err != nil {
			return fmt.Errorf("writing %s: %w", c.Name, err)
		}
	}
	return lines.Err()
}

// answer turns an error, and a panic of the library, into {"error": text}.
func answer(c *Case) (expected any) {
	defer func() {
		if panicked := recover(); panicked != nil {
			expected = map[string]any{"error": fmt.Sprint("panic: ", panicked)}
		}
	}()
	expected, err := judge(c)
	if err != nil {
		return map[string]any{"error": err.Error()}
	}
	return expected
}

func judge(c *Case) (any, error) {
	switch c.Op {
	case "strategic":
		patch, err := yaml.Parse(c.Patch)
		if err != nil {
			return nil, err
		}
		return filtered(c, patchstrategicmerge.Filter{Patch: patch})
	case "json6902":
		return filtered(c, patchjson6902.Filter{Patch: c.Patch})
	case "images":
		return images(c)
	case "replicas":
		var f replicacount.Filter
		if err := k8syaml.Unmarshal([]byte(c.Config), &f); err != nil {
			return nil, err
		}
		return filtered(c, f)
	case "replacements":
		var f replacement.Filter
		if err := k8syaml.Unmarshal([]byte(c.Config), &f); err != nil {
			return nil, err
		}
		return filtered(c, f)
	case "hash":
		node, err := yaml.Parse(c.Resources)
		if err != nil {
			return nil, err
		}
		return (&hasher.Hasher{}).Hash(node)
	case "pairs":
		return pairs(c)
	case "generate":
		return generate(c)
	case "select":
		return selected(c)
	case "sort":
		return sorted(c)
	case "build":
		return build(c)
	default:
		return nil, fmt.Errorf("no such op: %q", c.Op)
	}
}

func filtered(c *Case, filters ...kio.Filter) (any, error) {
	nodes, err := kio.FromBytes([]byte(c.Resources))
	if err != nil {
		return nil, err
	}
	for _, filter := range filters {
		if nodes, err = filter.Filter(nodes); err != nil {
			return nil, err
		}
	}
	result := []any{}
	for _, node := range nodes {
		_ = node.PipeE(yaml.ClearAnnotation("config.kubernetes.io/index"))
		_ = node.PipeE(yaml.ClearAnnotation("internal.config.kubernetes.io/index"))
		_ = node.PipeE(yaml.ClearAnnotation("internal.config.kubernetes.io/seqindent"))
		_ = yaml.ClearEmptyAnnotations(node)
		text, err := node.MarshalJSON()
		if err != nil {
			return nil, err
		}
		var value any
		if err := json.Unmarshal(text, &value); err != nil {
			return nil, err
		}
		result = append(result, value)
	}
	return result, nil
}

func images(c *Case) (any, error) {
	var config struct {
		ImageTag   types.Image       `json:"imageTag"`
		FieldSpecs []types.FieldSpec `json:"fieldSpecs"`
	}
	if err := k8syaml.Unmarshal([]byte(c.Config), &config); err != nil {
		return nil, err
	}
	return filtered(c,
		imagetag.LegacyFilter{ImageTag: config.ImageTag},
		imagetag.Filter{ImageTag: config.ImageTag, FsSlice: config.FieldSpecs})
}

func helpers(c *Case) *resmap.PluginHelpers {
	files := filesys.MakeFsInMemory()
	for path, content := range c.Files {
		_ = files.WriteFile(path, []byte(content))
	}
	depot := provider.NewDefaultDepProvider()
	factory := resmap.NewFactory(depot.GetResourceFactory())
	return resmap.NewPluginHelpers(loader.NewFileLoaderAtRoot(files), depot.GetFieldValidator(), factory, types.DisabledPluginConfig())
}

func pairs(c *Case) (any, error) {
	var sources types.KvPairSources
	if err := k8syaml.Unmarshal([]byte(c.Config), &sources); err != nil {
		return nil, err
	}
	h := helpers(c)
	return kv.NewLoader(h.Loader(), h.Validator()).Load(sources)
}

func generate(c *Case) (any, error) {
	h := helpers(c)
	var meta struct {
		Kind string `json:"kind"`
	}
	if err := k8syaml.Unmarshal([]byte(c.Config), &meta); err != nil {
		return nil, err
	}
	var generator resmap.GeneratorPlugin = builtins.NewConfigMapGeneratorPlugin()
	if meta.Kind == "SecretGenerator" {
		generator = builtins.NewSecretGeneratorPlugin()
	}
	if err := generator.Config(h, []byte(c.Config)); err != nil {
		return nil, err
	}
	resources, err := generator.Generate()
	if err != nil {
		return nil, err
	}
	hash := builtins.NewHashTransformerPlugin()
	if err := hash.Config(h, nil); err != nil {
		return nil, err
	}
	if err := hash.Transform(resources); err != nil {
		return nil, err
	}
	resources.RemoveBuildAnnotations()
	return objects(resources)
}

func selected(c *Case) (any, error) {
	h := helpers(c)
	resources, err := h.ResmapFactory().NewResMapFromBytes([]byte(c.Resources))
	if err != nil {
		return nil, err
	}
	var selector types.Selector
	if err := k8syaml.Unmarshal([]byte(c.Config), &selector); err != nil {
		return nil, err
	}
	found, err := resources.Select(selector)
	if err != nil {
		return nil, err
	}
	names := []string{}
	for _, resource := range found {
		names = append(names, resource.GetName())
	}
	return names, nil
}

// sorted runs a build whose kustomization is the config; the sorter itself is in an internal package.
func sorted(c *Case) (any, error) {
	files := filesys.MakeFsInMemory()
	_ = files.WriteFile("kustomization.yaml", []byte("resources: [all.yaml]\n"+c.Config))
	_ = files.WriteFile("all.yaml", []byte(c.Resources))
	resources, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(files, ".")
	if err != nil {
		return nil, err
	}
	ids := []string{}
	for _, id := range resources.AllIds() {
		ids = append(ids, id.String())
	}
	return ids, nil
}

func objects(resources resmap.ResMap) (any, error) {
	result := []any{}
	for _, resource := range resources.Resources() {
		text, err := resource.MarshalJSON()
		if err != nil {
			return nil, err
		}
		var value any
		if err := json.Unmarshal(text, &value); err != nil {
			return nil, err
		}
		result = append(result, value)
	}
	return result, nil
}

// build answers with the stream that the command prints for the directory that Config names.
func build(c *Case) (any, error) {
	if c.Helm != nil {
		return charts(c)
	}
	files := filesys.MakeFsInMemory()
	for path, text := range c.Files {
		if err := files.WriteFile("/"+path, []byte(text)); err != nil {
			return nil, err
		}
	}
	options := krusty.MakeDefaultOptions()
	// The command's order, which is not the library's.
	options.Reorder = krusty.ReorderOptionLegacy
	resources, err := krusty.MakeKustomizer(options).Run(files, "/"+c.Config)
	if err != nil {
		return nil, err
	}
	stream, err := resources.AsYaml()
	return string(stream), err
}
