// Package buildtest has stacks to build in tests: the samples as the API server would hand them out, and changes of them.
package buildtest

import (
	"io/fs"
	"strings"
	"sync"
	"testing"

	jsonpatch "github.com/evanphx/json-patch/v5"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/config/crd"
	"usermanagement.dev/stack/config/samples"
	"usermanagement.dev/stack/internal/build"
	"usermanagement.dev/stack/internal/crdschema"
)

// Inputs are those of a stack whose app secret is there.
var Inputs = build.Inputs{AppSecretHash: "5e884898da28", Namespace: NamespaceUID} //nolint:gosec // the hash of nothing

// Namespace and UID are those of every stack here.
const (
	Namespace = "team-a"
	UID       = "0b1c2d3e-4f50-6172-8394-a5b6c7d8e9f0"
	// NamespaceUID is that of the namespace.
	NamespaceUID = "7a1c2d3e-4f50-6172-8394-a5b6c7d8e9f0"
)

// Manifests are the samples as they stand in config/samples, by name.
func Manifests(t testing.TB) map[string][]byte {
	t.Helper()
	paths, err := fs.Glob(samples.Files, "*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	manifests := make(map[string][]byte)
	for _, path := range paths {
		content, err := samples.Files.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(content), "kind: "+v1.Kind) { // and not a list of files for kustomize
			manifests[strings.TrimSuffix(path, ".yaml")] = content
		}
	}
	return manifests
}

// Samples are the samples with the API server's defaults, a namespace and a UID, by name.
func Samples(t testing.TB) map[string]*v1.UserManagementStack {
	t.Helper()
	stacks := make(map[string]*v1.UserManagementStack)
	for name, manifest := range Manifests(t) {
		stacks[name] = Stored(t, manifest)
	}
	return stacks
}

// Production is the production sample with a JSON merge patch, in YAML, applied.
func Production(t testing.TB, patch string) *v1.UserManagementStack {
	t.Helper()
	manifest, err := Merge(Manifests(t)["production"], []byte(patch))
	if err != nil {
		t.Fatal(err)
	}
	return Stored(t, manifest)
}

// Merge applies a JSON merge patch to a document, both in YAML.
func Merge(document, patch []byte) ([]byte, error) {
	original, err := yaml.YAMLToJSON(document)
	if err != nil {
		return nil, err
	}
	change, err := yaml.YAMLToJSON(patch)
	if err != nil {
		return nil, err
	}
	return jsonpatch.MergePatch(original, change)
}

var loadSchema = sync.OnceValues(func() (*crdschema.Schema, error) { return crdschema.Load(crd.UserManagementStack) })

// Default fills the API server's defaults into a stack.
func Default(t testing.TB, object map[string]any) {
	t.Helper()
	schema, err := loadSchema()
	if err != nil {
		t.Fatal(err)
	}
	schema.Default(object)
}

// Stored is the stack of a manifest as the API server would store it; a test with one that it refuses fails.
func Stored(t testing.TB, manifest []byte) *v1.UserManagementStack {
	t.Helper()
	var object map[string]any
	if err := yaml.Unmarshal(manifest, &object); err != nil {
		t.Fatal(err)
	}
	Default(t, object)
	stack := &v1.UserManagementStack{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object, stack); err != nil {
		t.Fatal(err)
	}
	stack.Namespace, stack.UID = Namespace, UID
	if errs := build.Validate(t.Context(), stack); len(errs) > 0 {
		t.Fatalf("not a stack that the API server takes: %v", errs.ToAggregate())
	}
	return stack
}
