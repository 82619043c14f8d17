package install

import (
	"errors"
	"io"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/yaml"
)

type object = *unstructured.Unstructured

// parse reads a stream of YAML documents.
func parse(t testing.TB, stream string) []object {
	t.Helper()
	var objects []object
	decoder := yaml.NewYAMLOrJSONDecoder(strings.NewReader(stream), 4096)
	for {
		o := &unstructured.Unstructured{}
		err := decoder.Decode(&o.Object)
		if errors.Is(err, io.EOF) {
			return objects
		}
		if err != nil {
			t.Fatalf("read what was rendered: %v", err)
		}
		if len(o.Object) > 0 {
			objects = append(objects, o)
		}
	}
}

// id names an object among all others.
func id(o object) string {
	return strings.Join([]string{o.GetKind(), o.GetNamespace(), o.GetName()}, "/")
}

// one is the only object of a kind.
func one(t testing.TB, objects []object, kind string) object {
	t.Helper()
	found := ofKind(objects, kind)
	if len(found) != 1 {
		t.Fatalf("%d objects of kind %s were rendered; want one", len(found), kind)
	}
	return found[0]
}

func ofKind(objects []object, kind string) []object {
	var found []object
	for _, o := range objects {
		if o.GetKind() == kind {
			found = append(found, o)
		}
	}
	return found
}

// typed reads an object as one of Kubernetes' own Go types.
func typed[T any](t testing.TB, o object) T {
	t.Helper()
	var into T
	if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(o.Object, &into, true); err != nil {
		t.Fatalf("%s: %v", id(o), err)
	}
	return into
}

// right is one thing that somebody may do.
type right struct{ group, resource, verb, name string }

// rightsOf are the single rights that a set of rules gives.
func rightsOf(rules []rbacv1.PolicyRule) map[right]bool {
	rights := map[right]bool{}
	for _, rule := range rules {
		names := rule.ResourceNames
		if len(names) == 0 {
			names = []string{""}
		}
		for _, verb := range rule.Verbs {
			for _, path := range rule.NonResourceURLs {
				rights[right{resource: path, verb: verb}] = true
			}
			for _, group := range rule.APIGroups {
				for _, resource := range rule.Resources {
					for _, name := range names {
						rights[right{group, resource, verb, name}] = true
					}
				}
			}
		}
	}
	return rights
}

// rulesOf are the rules of the Role or ClusterRole of a name.
func rulesOf(t testing.TB, objects []object, kind, name string) []rbacv1.PolicyRule {
	t.Helper()
	for _, o := range ofKind(objects, kind) {
		if o.GetName() == name {
			return typed[rbacv1.ClusterRole](t, o).Rules
		}
	}
	t.Fatalf("no %s %s was rendered", kind, name)
	return nil
}
