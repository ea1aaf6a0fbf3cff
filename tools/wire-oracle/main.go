// Command wire-oracle records what Argo CD's messages look like in JSON and in protobuf. See README.md.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/gogo/protobuf/proto"

	"github.com/argoproj/argo-cd/v3/pkg/apiclient/application"
)

// services lists the files that have the API's services.
var services = []string{
	"account", "application", "applicationset", "certificate", "cluster", "gpgkey", "notification", "project",
	"repocreds", "repository", "session", "settings", "version",
}

// A record is one line of messages.jsonl.
type record struct {
	Message string          `json:"message"`
	Case    string          `json:"case"`
	JSON    json.RawMessage `json:"json"`
	Proto   []byte          `json:"proto"`
}

type marshaler interface{ Marshal() ([]byte, error) }

func main() {
	if len(os.Args) != 2 {
		fail("usage: wire-oracle FOLDER < cases.in")
	}
	api := newAPI()
	for _, name := range services {
		api.readService("server/" + name + "/" + name + ".proto")
	}
	writeLines(filepath.Join(os.Args[1], "methods.jsonl"), api.methods)

	var records []record
	for _, name := range api.messages {
		records = append(records, recordsOf(name)...)
	}
	input := bufio.NewScanner(os.Stdin)
	input.Buffer(nil, 1<<20)
	for input.Scan() {
		var given record
		if err := json.Unmarshal(input.Bytes(), &given); err != nil {
			fail("%q: %v", input.Text(), err)
		}
		message := reflect.New(typeOf(given.Message))
		if err := json.Unmarshal(given.JSON, message.Interface()); err != nil {
			fail("%s: %v", given.Case, err)
		}
		records = append(records, recordOf(given.Message, given.Case, message))
	}
	writeLines(filepath.Join(os.Args[1], "messages.jsonl"), records)
}

// recordsOf makes up messages of a type.
func recordsOf(name string) []record {
	if name == "application.ApplicationManifestQueryWithFilesWrapper" {
		return wrapped(name)
	}
	var records []record
	for _, fill := range []struct {
		name string
		*filler
	}{{"full", &filler{}}, {"pointers", &filler{zero: true}}} {
		message := reflect.New(typeOf(name))
		fill.fill(message.Elem(), 0)
		records = append(records, recordOf(name, fill.name, message))
	}
	zero := reflect.New(typeOf(name))
	// A message with required fields cannot be zero.
	if _, err := zero.Interface().(marshaler).Marshal(); err == nil {
		records = append(records, recordOf(name, "zero", zero))
	}
	return slices.CompactFunc(records, func(a, b record) bool { return bytes.Equal(a.JSON, b.JSON) })
}

// wrapped records the one message that is either of two. Go's JSON names Go's types there, so that of the part is taken.
func wrapped(name string) []record {
	query := &application.ApplicationManifestQueryWithFiles{}
	chunk := &application.FileChunk{}
	(&filler{}).fill(reflect.ValueOf(query).Elem(), 0)
	(&filler{}).fill(reflect.ValueOf(chunk).Elem(), 0)
	var records []record
	for _, part := range []struct {
		name    string
		inner   any
		message application.ApplicationManifestQueryWithFilesWrapper
	}{
		{"query", query, application.ApplicationManifestQueryWithFilesWrapper{
			Part: &application.ApplicationManifestQueryWithFilesWrapper_Query{Query: query},
		}},
		{"chunk", chunk, application.ApplicationManifestQueryWithFilesWrapper{
			Part: &application.ApplicationManifestQueryWithFilesWrapper_Chunk{Chunk: chunk},
		}},
	} {
		one := recordOf(name, part.name, reflect.ValueOf(&part.message))
		inner, err := json.Marshal(map[string]any{part.name: part.inner})
		if err != nil {
			fail("%s: %v", name, err)
		}
		one.JSON = inner
		records = append(records, one)
	}
	return records
}

func recordOf(name, which string, message reflect.Value) record {
	text, err := json.Marshal(message.Interface())
	if err != nil {
		fail("%s: %v", name, err)
	}
	wire, err := message.Interface().(marshaler).Marshal()
	if err != nil {
		fail("%s: %v", name, err)
	}
	return record{name, which, text, append([]byte{}, wire...)}
}

func typeOf(name string) reflect.Type {
	found := proto.MessageType(name)
	if found == nil {
		fail("no Go type is called %s", name)
	}
	return found.Elem()
}

func writeLines[T any](path string, lines []T) {
	var out strings.Builder
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	for _, line := range lines {
		if err := encoder.Encode(line); err != nil {
			fail("%s: %v", path, err)
		}
	}
	if err := os.WriteFile(path, []byte(out.String()), 0o644); err != nil {
		fail("%v", err)
	}
}

func fail(format string, arguments ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", arguments...)
	os.Exit(1)
}
