package install

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/lab/controlplane"
	"usermanagement.dev/stack/lab/loopback/loopbacktest"
)

// excuse is why the operator has a right that the life of one stack, as this test sees it, does not use; empty if it must.
func excuse(given right, used map[right]bool) string {
	with := func(verb string) bool { return used[right{given.group, given.resource, verb, ""}] }
	switch {
	case given.verb == "list" && with("watch"):
		return "API servers that cannot stream a list are asked for it"
	case given.verb == "create" && isACK(given.group) && with("patch"):
		return "server-side apply of an object that is not there is a patch that the API server also takes for a create"
	case given.verb == "patch" && given.resource == "events":
		return "an event that comes again is counted up"
	case given.verb == "get" && isACK(given.group):
		return "a teardown asks for what the cache no longer shows, which depends on how fast it follows"
	default:
		return ""
	}
}

func TestTheOperatorDoesItsWorkWithTheRightsItIsGivenAndNeedsAllOfThem(t *testing.T) {
	installed(t)
	counter, err := lab(t).ControlPlane.NewRequestCounter(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	addresses := startOperator(t)
	stack := createStack(t, "production", "rights")
	eventuallyReady(t, stack)
	changeOnePart(t, stack)
	eventuallyReady(t, stack)
	t.Run("metrics are for who may read them", func(t *testing.T) { checkMetrics(t, addresses.metrics) })
	makeDeletable(t, stack)
	if err := admin(t).Delete(t.Context(), stack); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the stack is gone", func() (bool, string) {
		err := admin(t).Get(t.Context(), client.ObjectKeyFromObject(stack), stack)
		return apierrors.IsNotFound(err), fmt.Sprintf("%v, %+v", err, stack.Status.Conditions)
	})
	addresses.stop()

	requests, err := counter.Requests(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	used := usedRights(t, requests)
	objects := template(t)
	rules := slices.Concat(rulesOf(t, objects, "ClusterRole", manager), rulesOf(t, objects, "Role", manager))
	for given := range rightsOf(rules) {
		if !used[right{given.group, given.resource, given.verb, ""}] && excuse(given, used) == "" {
			t.Errorf("the right %+v was given and never used", given)
		}
	}
}

// usedRights are the rights of which the operator made use. A request that was refused is an error.
func usedRights(t *testing.T, requests []controlplane.Request) map[right]bool {
	t.Helper()
	used := map[right]bool{}
	for _, r := range requests {
		if r.User != account {
			continue
		}
		if r.Code == 401 || r.Code == 403 {
			t.Errorf("refused: %s %s", r.Verb, r.URI)
		}
		resource := r.Resource
		if r.Subresource != "" {
			resource += "/" + r.Subresource
		}
		used[right{r.Group, resource, r.Verb, ""}] = true
	}
	return used
}

// running is a started operator.
type running struct {
	metrics, probes string
	stop            func()
}

// startOperator runs the operator's program with the arguments of the chart's Deployment, as its service account. Only
// where it listens is its own, and what a pod knows by itself.
func startOperator(t *testing.T) running {
	t.Helper()
	r := running{metrics: loopbacktest.Address(t), probes: loopbacktest.Address(t)}
	deployment := typed[appsv1.Deployment](t, one(t, template(t), "Deployment"))
	arguments := append(slices.Clone(deployment.Spec.Template.Spec.Containers[0].Args),
		"--kubeconfig="+accountKubeconfig(t), "--leader-elect-namespace="+namespace,
		"--metrics-bind-address="+r.metrics, "--health-probe-bind-address="+r.probes,
		"--health-probe=false") // this lab has no hosts to ask
	log := &strings.Builder{}
	command := exec.CommandContext(context.WithoutCancel(t.Context()), buildManager(t), arguments...)
	command.Stdout, command.Stderr = log, log
	command.Env = append(os.Environ(), "GOMEMLIMIT=340000000B") // as the Deployment makes it of 340 MiB
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	r.stop = func() {
		if command == nil {
			return
		}
		endProcess(t, command, ended, log)
		command = nil
	}
	t.Cleanup(r.stop)
	awaitReady(t, "http://"+r.probes+"/readyz", ended, log)
	return r
}

// endProcess stops the operator as a kubelet would, and wants it to end well.
func endProcess(t *testing.T, command *exec.Cmd, ended <-chan error, log fmt.Stringer) {
	t.Helper()
	if err := command.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("stop the operator: %v", err)
	}
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("the operator ended with %v:\n%s", err, log)
		}
	case <-time.After(45 * time.Second):
		_ = command.Process.Kill()
		t.Errorf("the operator did not end within the pod's grace (then: %v):\n%s", <-ended, log)
	}
	if t.Failed() {
		t.Logf("the operator's log:\n%s", log)
	}
}

func awaitReady(t *testing.T, url string, ended chan error, log fmt.Stringer) {
	t.Helper()
	eventually(t, "the operator is ready", func() (bool, string) {
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("the operator has ended by itself: %v\n%s", err, log)
		default:
		}
		status, _, err := get(t, url, "")
		return status == 200, fmt.Sprint(status, err)
	})
}

func buildManager(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "manager")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", path, root+"/cmd/manager").CombinedOutput()
	if err != nil {
		t.Fatalf("build the operator: %v\n%s", err, out)
	}
	return path
}

func accountKubeconfig(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kubeconfig")
	groups := []string{"system:serviceaccounts", "system:serviceaccounts:" + namespace}
	if err := lab(t).ControlPlane.WriteUserKubeconfig(path, account, groups...); err != nil {
		t.Fatal(err)
	}
	return path
}

func eventuallyReady(t *testing.T, stack *v1.UserManagementStack) {
	t.Helper()
	eventually(t, "the stack is Ready", func() (bool, string) {
		if err := admin(t).Get(t.Context(), client.ObjectKeyFromObject(stack), stack); err != nil {
			return false, err.Error()
		}
		ready := meta.IsStatusConditionTrue(stack.Status.Conditions, v1.ConditionReady)
		return ready && stack.Status.ObservedGeneration == stack.Generation, fmt.Sprintf("%+v", stack.Status.Conditions)
	})
}

// changeOnePart changes an object of the stack behind the operator's back, and waits until that was put right.
func changeOnePart(t *testing.T, stack *v1.UserManagementStack) {
	t.Helper()
	part := &unstructured.Unstructured{}
	part.SetAPIVersion("ec2.services.k8s.aws/v1alpha1")
	part.SetKind("VPC")
	parts := &unstructured.UnstructuredList{}
	parts.SetGroupVersionKind(part.GroupVersionKind())
	if err := admin(t).List(t.Context(), parts, client.InNamespace(stack.Namespace)); err != nil || len(parts.Items) != 1 {
		t.Fatalf("find the stack's VPC: %v, %d found", err, len(parts.Items))
	}
	part = &parts.Items[0]
	before, _, _ := unstructured.NestedBool(part.Object, "spec", "enableDNSHostnames")
	changed := part.DeepCopy()
	if err := unstructured.SetNestedField(changed.Object, !before, "spec", "enableDNSHostnames"); err != nil {
		t.Fatal(err)
	}
	if err := admin(t).Patch(t.Context(), changed, client.MergeFrom(part)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the VPC is as the operator made it", func() (bool, string) {
		if err := admin(t).Get(t.Context(), client.ObjectKeyFromObject(part), changed); err != nil {
			return false, err.Error()
		}
		now, _, _ := unstructured.NestedBool(changed.Object, "spec", "enableDNSHostnames")
		return now == before, strconv.FormatBool(now)
	})
}

// makeDeletable takes away what keeps the sample from being deleted: a production database is protected.
func makeDeletable(t *testing.T, stack *v1.UserManagementStack) {
	t.Helper()
	before := stack.DeepCopy()
	stack.Spec.Database.DeletionProtection = false
	if err := admin(t).Patch(t.Context(), stack, client.MergeFrom(before)); err != nil {
		t.Fatal(err)
	}
	eventuallyReady(t, stack)
}
