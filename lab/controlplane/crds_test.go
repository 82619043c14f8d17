package controlplane_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"usermanagement.dev/stack/lab/controlplane"
	"usermanagement.dev/stack/lab/controlplane/controlplanetest"
)

// crdYAML is a definition of plural.group with the kind Kind.
func crdYAML(plural, kind, group string) string {
	return fmt.Sprintf(`apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: %[1]s.%[3]s
  creationTimestamp: null
spec:
  group: %[3]s
  names: {plural: %[1]s, singular: %[4]s, kind: %[2]s, listKind: %[2]sList}
  scope: Namespaced
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec: {type: object, x-kubernetes-preserve-unknown-fields: true}
`, plural, kind, group, strings.ToLower(kind))
}

func writeFile(t *testing.T, path, content string) string {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(path), 0o750))
	must(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

func TestInstalledCRDsAreServed(t *testing.T) {
	cp := controlplanetest.Shared(t)
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "kustomization.yaml"), "resources: [both.yaml]\n")
	lion, tiger := crdYAML("lions", "Lion", "zoo.example.org"), crdYAML("tigers", "Tiger", "zoo.example.org")
	writeFile(t, filepath.Join(dir, "both.yaml"), lion+"---\n"+tiger)
	writeFile(t, filepath.Join(dir, "below", "bear.yml"), crdYAML("bears", "Bear", "zoo.example.org"))
	single := writeFile(t, filepath.Join(t.TempDir(), "wolf"), crdYAML("wolves", "Wolf", "zoo.example.org"))

	for range 2 { // the second time changes nothing and is no error
		must(t, controlplane.InstallCRDs(t.Context(), cp.Config(), dir, single))
	}
	client, err := dynamic.NewForConfig(cp.Config())
	must(t, err)
	for kind, plural := range map[string]string{"Lion": "lions", "Tiger": "tigers", "Bear": "bears", "Wolf": "wolves"} {
		animal := &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "zoo.example.org/v1", "kind": kind, "metadata": map[string]any{"name": "first"},
		}}
		resource := schema.GroupVersionResource{Group: "zoo.example.org", Version: "v1", Resource: plural}
		_, err := client.Resource(resource).Namespace("default").Create(t.Context(), animal, metav1.CreateOptions{})
		if err != nil {
			t.Errorf("make a %s at once: %v", kind, err)
		}
	}
}

func TestCRDErrorsNameFileDefinitionAndReason(t *testing.T) {
	cp := controlplanetest.Shared(t)
	good := crdYAML("cats", "Cat", "pets.example.org")
	cases := map[string]struct {
		content string
		words   []string
	}{
		"no definition": {"kind: List\n", []string{"holds no CustomResourceDefinition"}},
		"no YAML":       {"a: [\n", []string{"crd.yaml, document 1", "yaml"}},
		"unknown field": {
			strings.Replace(good, "scope:", "scoop: x\n  scope:", 1),
			[]string{"cats.pets.example.org", "crd.yaml", "scoop"},
		},
		"invalid": {
			strings.Replace(good, "Namespaced", "Galactic", 1),
			[]string{"cats.pets.example.org", "spec.scope", "Galactic"},
		},
		"name taken": {
			good + "---\n" + crdYAML("felines", "Cat", "pets.example.org"),
			[]string{"felines.pets.example.org", "NamesAccepted is False", `is already in use`},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			file := writeFile(t, filepath.Join(t.TempDir(), "crd.yaml"), c.content)
			err := controlplane.InstallCRDs(t.Context(), cp.Config(), file)
			if err == nil {
				t.Fatal("no error")
			}
			for _, word := range c.words {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("the error lacks %q: %v", word, err)
				}
			}
		})
	}
	err := controlplane.InstallCRDs(t.Context(), cp.Config(), "/no/such/dir")
	if err == nil || !strings.Contains(err.Error(), "/no/such/dir") {
		t.Errorf("a path that does not exist: %v", err)
	}
}
