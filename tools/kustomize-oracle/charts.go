package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// temporary is where kustomize puts the values for helm.
var temporary = regexp.MustCompile(`/\S*/kustomize-helm-\d+/`)

// Flags are those of the command that are about charts.
type Flags struct {
	// Off is a build without --enable-helm.
	Off         bool     `json:"off,omitempty"`
	KubeVersion string   `json:"kubeVersion,omitempty"`
	APIVersions []string `json:"apiVersions,omitempty"`
}

// charts is build on the disk, where helm can read, too. HELM names the program. In texts the directory is ROOT.
func charts(c *Case) (any, error) {
	root, err := os.MkdirTemp("", "kustomize-oracle-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(root)
	if root, err = filepath.EvalSymlinks(root); err != nil {
		return nil, err
	}
	for path, text := range c.Files {
		full := filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			return nil, err
		}
		if err := os.WriteFile(full, []byte(text), 0o644); err != nil {
			return nil, err
		}
	}
	options := krusty.MakeDefaultOptions()
	options.Reorder = krusty.ReorderOptionLegacy
	options.PluginConfig = types.DisabledPluginConfig()
	helm := &options.PluginConfig.HelmConfig
	helm.Enabled, helm.Command = !c.Helm.Off, "helm"
	if named := os.Getenv("HELM"); named != "" {
		helm.Command = named
	}
	helm.KubeVersion, helm.ApiVersions = c.Helm.KubeVersion, c.Helm.APIVersions
	resources, err := krusty.MakeKustomizer(options).Run(filesys.MakeFsOnDisk(), filepath.Join(root, c.Config))
	if err != nil {
		return nil, fmt.Errorf("%s", said(err.Error(), root))
	}
	stream, err := resources.AsYaml()
	return strings.ReplaceAll(string(stream), root, "ROOT"), err
}

// said leaves out how helm was called, which names temporary directories.
func said(text, root string) string {
	text, _, _ = strings.Cut(text, ": unable to run: ")
	return temporary.ReplaceAllString(strings.ReplaceAll(text, root, "ROOT"), "")
}
