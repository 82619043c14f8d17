package plugin

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/yaml"
	sigsyaml "sigs.k8s.io/yaml"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/config/crd"
	"usermanagement.dev/stack/internal/crdschema"
)

// stacksIn are the stacks of a manifest, as the API server would store them, or all that it would say against them.
// Objects of other kinds are passed over. A stack that names no namespace is taken for one of the given.
func stacksIn(ctx context.Context, text []byte, namespace string) ([]v1.UserManagementStack, error) {
	schema, err := crdschema.Load(crd.UserManagementStack)
	if err != nil {
		return nil, err
	}
	var stacks []v1.UserManagementStack
	var errs []error
	documents, err := split(text)
	if err != nil {
		return nil, err
	}
	for _, document := range documents {
		object := &unstructured.Unstructured{}
		if err := sigsyaml.UnmarshalStrict(document, &object.Object); err != nil {
			return nil, fmt.Errorf("it is no YAML of an object: %w", err)
		}
		if object.GroupVersionKind() != v1.GroupVersionKind {
			continue
		}
		if object.GetNamespace() == "" {
			object.SetNamespace(namespace)
		}
		stack, err := admit(ctx, schema, object)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		stacks = append(stacks, *stack)
	}
	if len(stacks)+len(errs) == 0 {
		return nil, fmt.Errorf("it holds no %s of %s", v1.Kind, v1.GroupVersion)
	}
	return stacks, errors.Join(errs...)
}

// split cuts a manifest into its documents; empty ones are left out.
func split(text []byte) ([][]byte, error) {
	reader := yaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
	var documents [][]byte
	for {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return documents, nil
		}
		if err != nil {
			return nil, err
		}
		if len(bytes.TrimSpace(document)) > 0 {
			documents = append(documents, document)
		}
	}
}

// admit does what the API server does with a new object under strict field validation.
func admit(ctx context.Context, schema *crdschema.Schema, object *unstructured.Unstructured) (*v1.UserManagementStack, error) {
	var problems []string
	for _, path := range schema.Unknown(object.Object) {
		problems = append(problems, path+": there is no such field")
	}
	for _, message := range validation.IsDNS1123Subdomain(object.GetName()) {
		problems = append(problems, "metadata.name: "+message)
	}
	schema.Default(object.Object)
	for _, err := range schema.Validate(ctx, object.Object) {
		problems = append(problems, err.Error())
	}
	if len(problems) > 0 {
		return nil, fmt.Errorf("%s %s is not valid:\n  %s", v1.Kind, object.GetName(), strings.Join(problems, "\n  "))
	}
	stack := &v1.UserManagementStack{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, stack); err != nil {
		return nil, fmt.Errorf("read %s %s: %w", v1.Kind, object.GetName(), err)
	}
	return stack, nil
}
