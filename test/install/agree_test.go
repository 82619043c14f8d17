package install

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestChartAndKustomizeBaseInstallTheSame(t *testing.T) {
	byChart, byKustomize := template(t), kustomize(t, filepath.Join(root, "config", "default"))
	assertSame(t, byKustomize, byChart)
}

func TestChartAndKustomizeBaseInstallTheSameWithEverythingOptional(t *testing.T) {
	byChart := template(t, "--set", "childGuard.enabled=true,metrics.alerts.enabled=true,metrics.serviceMonitor.enabled=true")
	byKustomize := kustomize(t, withComponents(t))
	assertSame(t, byKustomize, byChart)
}

func assertSame(t *testing.T, byKustomize, byChart []object) {
	t.Helper()
	left, right := inCommon(byKustomize), inCommon(byChart)
	if difference := cmp.Diff(slices.Sorted(maps.Keys(left)), slices.Sorted(maps.Keys(right))); difference != "" {
		t.Fatalf("kustomize (-) and chart (+) install different objects:\n%s", difference)
	}
	for name := range left {
		if difference := cmp.Diff(left[name], right[name]); difference != "" {
			t.Errorf("%s of kustomize (-) and of the chart (+) differ:\n%s", name, difference)
		}
	}
}

// withComponents is a copy of config/ whose default takes in what is optional, as its comment tells users to.
func withComponents(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	if err := os.CopyFS(folder, os.DirFS(filepath.Join(root, "config"))); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(folder, "default", "kustomization.yaml")
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprint(file, "components:\n  - ../prometheus\n  - ../admission\n"); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	return filepath.Dir(path)
}

// inCommon is what was rendered without what only one of the two installers can know: the namespace, which helm makes
// by itself, the marks of the release, and the order to keep a definition.
func inCommon(objects []object) map[string]any {
	all := map[string]any{}
	for _, o := range objects {
		if o.GetKind() == "Namespace" {
			continue
		}
		o := o.DeepCopy()
		labels, annotations := o.GetLabels(), o.GetAnnotations()
		for _, mark := range []string{"helm.sh/chart", "app.kubernetes.io/managed-by", "app.kubernetes.io/version"} {
			delete(labels, mark)
		}
		delete(annotations, "helm.sh/resource-policy")
		o.SetLabels(labels)
		o.SetAnnotations(annotations)
		all[id(o)] = o.Object
	}
	return all
}
