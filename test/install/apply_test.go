package install

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func TestTheAPIServerTakesWhatIsRendered(t *testing.T) {
	makeNamespace(t, namespace)
	makeNamespace(t, "team-a")
	rendered := map[string]func() []object{
		"kustomize":            func() []object { return kustomize(t, filepath.Join(root, "config", "default")) },
		"kustomize, all of it": func() []object { return kustomize(t, withComponents(t)) },
		"chart":                func() []object { return template(t) },
	}
	sets, err := filepath.Glob(filepath.Join(chart, "ci", "*.yaml"))
	if err != nil || len(sets) == 0 {
		t.Fatalf("the chart's sets of values: %v, %v", sets, err)
	}
	for _, set := range sets {
		rendered["chart, "+filepath.Base(set)] = func() []object { return template(t, "--values", set) }
	}
	for name, render := range rendered {
		t.Run(name, func(t *testing.T) {
			for _, o := range render() {
				if err := dryRun(t, o); err != nil {
					t.Errorf("%s: %v", id(o), err)
				}
			}
		})
	}
}

func TestTheAPIServerWouldNotTakeAFieldThatDoesNotExist(t *testing.T) {
	makeNamespace(t, namespace)
	deployment := one(t, template(t), "Deployment")
	spec, ok := deployment.Object["spec"].(map[string]any)
	if !ok {
		t.Fatal("the Deployment has no spec")
	}
	spec["replica"] = int64(3)
	if err := dryRun(t, deployment); err == nil {
		t.Error("a Deployment with spec.replica was taken: this check would not notice a mistake in a template")
	}
}

// dryRun applies an object strictly, without storing it.
func dryRun(t testing.TB, o object) error {
	t.Helper()
	text, err := json.Marshal(o)
	if err != nil {
		return fmt.Errorf("write %s: %w", id(o), err)
	}
	strict := client.WithFieldValidation(admin(t), metav1.FieldValidationStrict)
	return strict.Patch(t.Context(), o.DeepCopy(), client.RawPatch(types.ApplyPatchType, text),
		client.DryRunAll, client.ForceOwnership, client.FieldOwner("install-test"))
}

func TestThePodMeetsTheRestrictedStandard(t *testing.T) {
	restricted := one(t, kustomize(t, filepath.Join(root, "config", "default")), "Namespace")
	if level := restricted.GetLabels()["pod-security.kubernetes.io/enforce"]; level != "restricted" {
		t.Fatalf("the namespace of the kustomize base enforces %q; want restricted", level)
	}
	where := "restricted"
	makeNamespace(t, where, restricted.GetLabels())
	for _, values := range []string{"values.yaml", "ci/everything.yaml"} {
		pod := podOf(t, template(t, "--values", filepath.Join(chart, values)), where)
		if err := admin(t).Create(t.Context(), pod.DeepCopy(), client.DryRunAll); err != nil {
			t.Errorf("with %s: %v", values, err)
		}
		pod.Spec.SecurityContext.RunAsNonRoot = nil
		if err := admin(t).Create(t.Context(), pod, client.DryRunAll); !apierrors.IsForbidden(err) {
			t.Errorf("a pod that may run as root was not refused, so nothing was checked: %v", err)
		}
	}
}

// podOf is the pod that the Deployment's controller would make. It names no priority class of the cluster's own, which
// only the namespace kube-system may use without a quota.
func podOf(t *testing.T, objects []object, where string) *corev1.Pod {
	t.Helper()
	template := typed[appsv1.Deployment](t, one(t, objects, "Deployment")).Spec.Template
	pod := &corev1.Pod{ObjectMeta: template.ObjectMeta, Spec: template.Spec}
	pod.Namespace, pod.Name, pod.Spec.PriorityClassName = where, "manager", ""
	return pod
}

// makeNamespace makes a namespace unless a test before has made it.
func makeNamespace(t testing.TB, name string, labels ...map[string]string) {
	t.Helper()
	made := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
	for _, l := range labels {
		made.Labels = l
	}
	if err := admin(t).Create(t.Context(), made); err != nil && !apierrors.IsAlreadyExists(err) {
		t.Fatalf("make the namespace %s: %v", name, err)
	}
}

// installed installs the chart for one test. When the test ends nothing of it is left but its namespace.
func installed(t *testing.T, arguments ...string) {
	t.Helper()
	lab(t)
	helm(t, append([]string{"install", release, chart, "--namespace", namespace, "--create-namespace"}, arguments...)...)
	t.Cleanup(func() { removed(t) })
}

// removed takes the release away, and the definition with every stack.
func removed(t *testing.T) {
	t.Helper()
	if _, err := tryHelm(t, "uninstall", release, "--namespace", namespace, "--ignore-not-found"); err != nil {
		t.Errorf("uninstall: %v", err)
	}
	if err := client.IgnoreNotFound(admin(t).Delete(background(t), definition())); err != nil {
		t.Errorf("delete the definition: %v", err)
	}
	eventually(t, "the definition is gone", func() (bool, string) {
		err := admin(t).Get(background(t), client.ObjectKeyFromObject(definition()), definition())
		return apierrors.IsNotFound(err), fmt.Sprint(err)
	})
}

// message is an error's text as the API server wrote it.
func message(err error) string {
	var status apierrors.APIStatus
	if errors.As(err, &status) {
		return status.Status().Message
	}
	return strings.TrimSpace(fmt.Sprint(err))
}
