package main

import (
	"bytes"
	"compress/gzip"
	"io"
	"strings"

	gogo "github.com/gogo/protobuf/proto"
	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"

	_ "github.com/argoproj/argo-cd/v3/pkg/apiclient/account"
	_ "github.com/argoproj/argo-cd/v3/pkg/apiclient/applicationset"
	_ "github.com/argoproj/argo-cd/v3/pkg/apiclient/certificate"
	_ "github.com/argoproj/argo-cd/v3/pkg/apiclient/cluster"
	_ "github.com/argoproj/argo-cd/v3/pkg/apiclient/gpgkey"
	_ "github.com/argoproj/argo-cd/v3/pkg/apiclient/notification"
	_ "github.com/argoproj/argo-cd/v3/pkg/apiclient/project"
	_ "github.com/argoproj/argo-cd/v3/pkg/apiclient/repocreds"
	_ "github.com/argoproj/argo-cd/v3/pkg/apiclient/repository"
	_ "github.com/argoproj/argo-cd/v3/pkg/apiclient/session"
	_ "github.com/argoproj/argo-cd/v3/pkg/apiclient/settings"
	_ "github.com/argoproj/argo-cd/v3/pkg/apiclient/version"
)

// A method is one line of methods.jsonl.
type method struct {
	Service     string `json:"service"`
	Name        string `json:"name"`
	Input       string `json:"input"`
	Output      string `json:"output"`
	TakesStream bool   `json:"takesStream"`
	GivesStream bool   `json:"givesStream"`
	Rest        []rest `json:"rest"`
}

type rest struct {
	Verb string `json:"verb"`
	Path string `json:"path"`
	Body string `json:"body"`
}

// An api is what the descriptors say that are compiled into the generated packages.
type api struct {
	methods []method
	// messages are the names of all that methods reach, in the order in which they are met.
	messages []string
	files    map[string]*descriptorpb.FileDescriptorProto
	known    map[string]*descriptorpb.DescriptorProto
	reached  map[string]bool
}

func newAPI() *api {
	return &api{
		files:   map[string]*descriptorpb.FileDescriptorProto{},
		known:   map[string]*descriptorpb.DescriptorProto{},
		reached: map[string]bool{},
	}
}

func (a *api) readService(path string) {
	file := a.readFile(path)
	for _, service := range file.GetService() {
		for _, one := range service.GetMethod() {
			input, output := plain(one.GetInputType()), plain(one.GetOutputType())
			a.methods = append(a.methods, method{
				file.GetPackage() + "." + service.GetName(), one.GetName(), input, output,
				one.GetClientStreaming(), one.GetServerStreaming(), places(one),
			})
			a.reach(input)
			a.reach(output)
		}
	}
}

// readFile reads a file and those that it imports, as far as they are registered.
func (a *api) readFile(path string) *descriptorpb.FileDescriptorProto {
	path = strings.TrimPrefix(path, "github.com/argoproj/argo-cd/v3/")
	if file, ok := a.files[path]; ok {
		return file
	}
	packed := gogo.FileDescriptor(path)
	if packed == nil {
		packed = gogo.FileDescriptor("github.com/argoproj/argo-cd/v3/" + path)
	}
	if packed == nil {
		return nil
	}
	reader, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		fail("%s: %v", path, err)
	}
	raw, err := io.ReadAll(reader)
	if err != nil {
		fail("%s: %v", path, err)
	}
	file := &descriptorpb.FileDescriptorProto{}
	if err := proto.Unmarshal(raw, file); err != nil {
		fail("%s: %v", path, err)
	}
	a.files[path] = file
	for _, message := range file.GetMessageType() {
		a.learn(file.GetPackage()+"."+message.GetName(), message)
	}
	for _, imported := range file.GetDependency() {
		a.readFile(imported)
	}
	return file
}

func (a *api) learn(name string, message *descriptorpb.DescriptorProto) {
	a.known[name] = message
	for _, inner := range message.GetNestedType() {
		a.learn(name+"."+inner.GetName(), inner)
	}
}

func (a *api) reach(name string) {
	message := a.known[name]
	if message == nil || a.reached[name] {
		return
	}
	a.reached[name] = true
	if !message.GetOptions().GetMapEntry() && !strings.HasPrefix(name, "google.protobuf.") {
		a.messages = append(a.messages, name)
	}
	for _, field := range message.GetField() {
		if field.GetTypeName() != "" {
			a.reach(plain(field.GetTypeName()))
		}
	}
}

func places(method *descriptorpb.MethodDescriptorProto) []rest {
	rule, ok := proto.GetExtension(method.GetOptions(), annotations.E_Http).(*annotations.HttpRule)
	if !ok || rule == nil {
		return nil
	}
	var found []rest
	for _, one := range append([]*annotations.HttpRule{rule}, rule.GetAdditionalBindings()...) {
		for verb, path := range map[string]string{
			"DELETE": one.GetDelete(), "GET": one.GetGet(), "PATCH": one.GetPatch(), "POST": one.GetPost(), "PUT": one.GetPut(),
		} {
			if path != "" {
				found = append(found, rest{verb, path, one.GetBody()})
			}
		}
	}
	return found
}

func plain(name string) string { return strings.TrimPrefix(name, ".") }
