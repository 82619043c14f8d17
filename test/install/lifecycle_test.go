package install

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	v1 "usermanagement.dev/stack/api/v1"
)

const definitionName = "usermanagementstacks.usermanagement.dev"

func TestARelease(t *testing.T) {
	lab(t)
	t.Cleanup(func() { removed(t) })
	inNamespace := []string{"--namespace", namespace}

	helm(t, append([]string{"install", release, olderChart(t), "--create-namespace"}, inNamespace...)...)
	if _, found := specField(t, "suspend"); found {
		t.Fatal("the older definition already has spec.suspend; this test would see no upgrade")
	}
	stack := createStack(t, "production", "kept")

	t.Run("an upgrade brings the definition up to date", func(t *testing.T) {
		helm(t, append([]string{"upgrade", release, chart}, inNamespace...)...)
		if _, found := specField(t, "suspend"); !found {
			t.Error("after the upgrade the definition still has no spec.suspend")
		}
		assertSameStack(t, stack)
	})
	t.Run("a rollback and an upgrade leave stacks alone", func(t *testing.T) {
		helm(t, append([]string{"rollback", release, "1"}, inNamespace...)...)
		helm(t, append([]string{"upgrade", release, chart}, inNamespace...)...)
		assertSameStack(t, stack)
	})
	t.Run("uninstalling keeps the definition and every stack", func(t *testing.T) {
		helm(t, append([]string{"uninstall", release}, inNamespace...)...)
		err := admin(t).Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: manager}, &appsv1.Deployment{})
		if !apierrors.IsNotFound(err) {
			t.Errorf("the Deployment is still there: %v", err)
		}
		assertSameStack(t, stack)
	})
	t.Run("what was kept is taken up by the next installation", func(t *testing.T) {
		helm(t, append([]string{"install", release, chart, "--set", "crds.keep=false"}, inNamespace...)...)
		assertSameStack(t, stack)
	})
	t.Run("without crds.keep nothing is left", func(t *testing.T) {
		helm(t, append([]string{"uninstall", release}, inNamespace...)...)
		eventually(t, "the definition is gone", func() (bool, string) {
			err := admin(t).Get(t.Context(), client.ObjectKeyFromObject(definition()), definition())
			return apierrors.IsNotFound(err), fmt.Sprint(err)
		})
	})
}

func TestADefinitionThatSomebodyElseInstalledIsTakenOverOnlyWhenAsked(t *testing.T) {
	lab(t)
	t.Cleanup(func() { removed(t) })
	apply(t, one(t, kustomize(t, filepath.Join(root, "config", "crd")), "CustomResourceDefinition"))

	install := []string{"install", release, chart, "--namespace", namespace, "--create-namespace"}
	_, err := tryHelm(t, install...)
	if err == nil || !strings.Contains(err.Error(), definitionName) {
		t.Fatalf("helm took a definition that is not its own, or does not name it: %v", err)
	}
	helm(t, append(install, "--take-ownership")...)
}

func TestNotesSayWhatToDoNext(t *testing.T) {
	lab(t)
	t.Cleanup(func() { removed(t) })
	notes := helm(t, "install", release, chart, "--namespace", namespace, "--create-namespace")
	for _, wanted := range []string{
		"kubectl --namespace " + namespace + " rollout status deployment/" + manager, "make image IMAGE=", "kubectl get crd",
	} {
		if !strings.Contains(notes, wanted) {
			t.Errorf("the notes do not say %q:\n%s", wanted, notes)
		}
	}
	notes = helm(t, "upgrade", release, chart, "--namespace", namespace, "--set", "image.repository=r.example/manager")
	if strings.Contains(notes, "No image is published") {
		t.Errorf("the notes still ask for an image after one was named:\n%s", notes)
	}
}

// olderChart is a copy of the chart whose definition does not know spec.suspend.
func olderChart(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	if err := os.CopyFS(folder, os.DirFS(chart)); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(folder, "files", "crds", "usermanagement.dev_usermanagementstacks.yaml")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	older := parse(t, string(text))[0]
	crd := typed[apiextensionsv1.CustomResourceDefinition](t, older)
	delete(crd.Spec.Versions[0].Schema.OpenAPIV3Schema.Properties["spec"].Properties, "suspend")
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&crd)
	if err != nil {
		t.Fatal(err)
	}
	delete(content, "status")
	if text, err = yaml.Marshal(content); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return folder
}

// specField is the schema of a field of a stack's spec, as the API server has it.
func specField(t *testing.T, name string) (apiextensionsv1.JSONSchemaProps, bool) {
	t.Helper()
	live := definition()
	if err := admin(t).Get(t.Context(), client.ObjectKeyFromObject(live), live); err != nil {
		t.Fatalf("read the definition: %v", err)
	}
	crd := typed[apiextensionsv1.CustomResourceDefinition](t, live)
	field, found := crd.Spec.Versions[0].Schema.OpenAPIV3Schema.Properties["spec"].Properties[name]
	return field, found
}

func definition() object {
	o := &unstructured.Unstructured{}
	o.SetAPIVersion("apiextensions.k8s.io/v1")
	o.SetKind("CustomResourceDefinition")
	o.SetName(definitionName)
	return o
}

// createStack makes a stack from one of the samples, once the API server serves its kind.
func createStack(t *testing.T, sample, where string) *v1.UserManagementStack {
	t.Helper()
	makeNamespace(t, where)
	text, err := os.ReadFile(filepath.Join(root, "config", "samples", sample+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	stack := &v1.UserManagementStack{}
	if err := yaml.UnmarshalStrict(text, stack); err != nil {
		t.Fatalf("read the sample %s: %v", sample, err)
	}
	stack.Namespace = where
	if domain := stack.Spec.Ingress.Domain; domain != nil && domain.HostedZoneID != "" {
		domain.HostedZoneID = lab(t).Zone
	}
	eventually(t, "stacks can be made", func() (bool, string) {
		err := admin(t).Create(t.Context(), stack)
		return err == nil || apierrors.IsAlreadyExists(err), message(err)
	})
	return stack
}

func assertSameStack(t *testing.T, stack *v1.UserManagementStack) {
	t.Helper()
	live := &v1.UserManagementStack{}
	if err := admin(t).Get(t.Context(), client.ObjectKeyFromObject(stack), live); err != nil {
		t.Fatalf("the stack is gone: %v", err)
	}
	if live.UID != stack.UID || live.DeletionTimestamp != nil {
		t.Errorf("the stack was replaced or deleted: UID %s, was %s; deleted %v", live.UID, stack.UID, live.DeletionTimestamp)
	}
}

// apply stores an object as an administrator.
func apply(t *testing.T, o object) {
	t.Helper()
	err := admin(t).Apply(t.Context(), client.ApplyConfigurationFromUnstructured(o), client.FieldOwner("install-test"))
	if err != nil {
		t.Fatalf("apply %s: %v", id(o), err)
	}
}

// background outlives the test's own context, which is over when its cleanup begins. Every call that it is for ends.
func background(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
	t.Cleanup(cancel)
	return ctx
}
