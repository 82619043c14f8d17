package acksim_test

import (
	"os"
	"path/filepath"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"

	"usermanagement.dev/stack/lab/acksim"
	"usermanagement.dev/stack/lab/cloud"
	"usermanagement.dev/stack/lab/controlplane"
	"usermanagement.dev/stack/lab/controlplane/controlplanetest"
)

// ack-notes 5: with definitions of an older controller, what they lack is lost, and everything else goes on.
func TestOlderDefinitionsLoseFields(t *testing.T) {
	t.Parallel()
	cluster(t) // the shared one is there first: the two are not started at once
	cp := controlplanetest.Start(t, controlplane.Options{})
	files := definitionFiles(t)
	for i, file := range files {
		switch filepath.Base(file) {
		case "ec2.services.k8s.aws_natgateways.yaml":
			files[i] = without(t, file, "vpcID", "availabilityMode")
		case "ec2.services.k8s.aws_instances.yaml":
			files[i] = without(t, file, "sourceDestCheckEnabled", "subnetRef")
		}
	}
	if err := controlplane.InstallCRDs(t.Context(), cp.Config(), files...); err != nil {
		t.Fatal(err)
	}
	w := newWorldOn(t, cp.Config(), cloud.Options{}, acksim.Options{})
	n := w.network()
	if nat := w.get("NATGateway", "nat-0"); field(nat, "spec.vpcID") != nil || field(nat, "status.vpcID") == nil {
		t.Errorf("spec.vpcID is not defined, status.vpcID is:\n%s", pretty(nat))
	}
	w.host("host", n.app[0], n.sgApp, w.identity())
	w.delete("Instance", "host")
	w.gone("Instance", "host")
}

func definitionFiles(t testing.TB) []string {
	t.Helper()
	folder := os.Getenv("UMS_ACK_CRDS")
	if folder == "" {
		t.Fatal("UMS_ACK_CRDS must name a folder with ACK's custom resource definitions")
	}
	var files []string
	for _, pattern := range []string{"*.yaml", "*/*.yaml"} {
		found, err := filepath.Glob(filepath.Join(folder, pattern))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	return files
}

// without writes a copy of a definition that lacks some fields of spec.
func without(t testing.TB, file string, fields ...string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var crd m
	if err := yaml.Unmarshal(data, &crd); err != nil {
		t.Fatal(err)
	}
	properties := specProperties(crd)
	for _, f := range fields {
		if properties[f] == nil {
			t.Fatalf("%s has no spec.%s", file, f)
		}
		delete(properties, f)
	}
	if data, err = yaml.Marshal(crd); err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(t.TempDir(), filepath.Base(file))
	if err := os.WriteFile(copied, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return copied
}

// specProperties are the fields of spec in the first version of a definition.
func specProperties(crd m) m {
	versions := elements(crd, "spec.versions")
	if len(versions) == 0 {
		return nil
	}
	first := &unstructured.Unstructured{Object: versions[0]}
	properties, _ := field(first, "schema.openAPIV3Schema.properties.spec.properties").(m)
	return properties
}

func unlimited(cfg *rest.Config) *rest.Config {
	cfg.QPS = -1
	return cfg
}
