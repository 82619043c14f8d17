package ackcrd_test

import (
	"os"
	"slices"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"

	"usermanagement.dev/stack/internal/ack"
	"usermanagement.dev/stack/internal/ack/ackcrd"
)

// TestMirrors: every field of the types that mirror ACK's own, in spec and status, is one of ACK's and of the same type.
func TestMirrors(t *testing.T) {
	folders, err := ackcrd.Folders()
	if err != nil {
		t.Fatal(err)
	}
	if os.Getenv(ackcrd.EnvFolder) == "" || len(folders) < 2 {
		t.Skip("to compare: make ack-crds without " + ackcrd.EnvFolder + ", then set it to a folder with ACK's own definitions")
	}
	theirs, err := ackcrd.Read(folders[0])
	if err != nil {
		t.Fatal(err)
	}
	ours, err := ackcrd.Read(folders[1])
	if err != nil {
		t.Fatal(err)
	}
	mirrored := []string{"elbv2", "rds", "route53", "secretsmanager"} // those of the others are ACK's own, of an older day
	for _, kind := range ack.Kinds() {
		if !slices.Contains(mirrored, kind.Service) {
			continue
		}
		if compared := within(t, kind.Name, schemaOf(t, ours[kind]), schemaOf(t, theirs[kind])); compared < 5 {
			t.Errorf("%s: only %d fields compared", kind.Name, compared)
		}
	}
}

func schemaOf(t *testing.T, definition []byte) *apiextensionsv1.JSONSchemaProps {
	t.Helper()
	var crd apiextensionsv1.CustomResourceDefinition
	if err := yaml.Unmarshal(definition, &crd); err != nil {
		t.Fatal(err)
	}
	return crd.Spec.Versions[0].Schema.OpenAPIV3Schema
}

// within holds one schema against another that has all of its fields, and maybe more. It returns their number.
func within(t *testing.T, path string, ours, theirs *apiextensionsv1.JSONSchemaProps) int {
	t.Helper()
	if ours.Type != theirs.Type {
		t.Errorf("%s is a %s, ACK's a %s", path, ours.Type, theirs.Type)
		return 1
	}
	compared := 1
	for name, property := range ours.Properties {
		other, known := theirs.Properties[name]
		if !known {
			t.Errorf("%s.%s is not a field of ACK's", path, name)
			continue
		}
		compared += within(t, path+"."+name, &property, &other)
	}
	if ours.Items != nil && ours.Items.Schema != nil && theirs.Items != nil {
		compared += within(t, path+"[]", ours.Items.Schema, theirs.Items.Schema)
	}
	return compared
}
