package controlplane_test

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"usermanagement.dev/stack/lab/controlplane"
	"usermanagement.dev/stack/lab/controlplane/controlplanetest"
)

const worker = "system:serviceaccount:lab:worker"

func TestAuditCountsEveryRequestOnce(t *testing.T) {
	cp := controlplanetest.Shared(t)
	namespace := controlplanetest.Namespace(t, cp)
	config, err := cp.UserConfig(worker, "system:masters")
	if err != nil {
		t.Fatal(err)
	}
	client := clientFor(t, config)
	maps := client.CoreV1().ConfigMaps(namespace)
	if _, err := maps.Create(t.Context(), configMap("before"), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	counter, err := cp.NewRequestCounter(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	makeKnownRequests(t, client, namespace)

	all, err := counter.Counts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	counts := all.By(worker)
	key := func(verb string) controlplane.RequestKey {
		return controlplane.RequestKey{User: worker, Verb: verb, Resource: "configmaps"}
	}
	dryRun := key("create")
	dryRun.DryRun = true
	want := controlplane.RequestCounts{
		key("create"): 7, dryRun: 2, key("get"): 3, key("patch"): 1, key("watch"): 1, key("delete"): 1,
		{User: worker, Verb: "get", Path: "/version"}: 1,
	}
	if got := counts.String(); got != want.String() {
		t.Errorf("counted:\n%swant:\n%s", got, want)
	}
	if counts.Writes() != 9 || counts.LiveReads() != 3 {
		t.Errorf("%d writes and %d live reads, want 9 and 3", counts.Writes(), counts.LiveReads())
	}
	if err := counter.Mark(t.Context()); err != nil {
		t.Fatal(err)
	}
	after, err := counter.Counts(t.Context())
	if err != nil || after.By(worker).Total(nil) != 0 {
		t.Errorf("after the mark: %v\n%v, want nothing", err, after.By(worker))
	}
}

// makeKnownRequests leaves a watch open while it does the rest and ends it then: it is
// logged twice and has to count once.
func makeKnownRequests(t *testing.T, client kubernetes.Interface, namespace string) {
	t.Helper()
	maps := client.CoreV1().ConfigMaps(namespace)
	watch, err := maps.Watch(t.Context(), metav1.ListOptions{})
	must(t, err)
	for _, name := range []string{"a", "b", "c", "d", "e", "f", "g"} {
		_, err := maps.Create(t.Context(), configMap(name), metav1.CreateOptions{})
		must(t, err)
	}
	for range 2 {
		_, err := maps.Create(t.Context(), configMap("h"), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		must(t, err)
	}
	for range 2 {
		_, err := maps.Get(t.Context(), "a", metav1.GetOptions{})
		must(t, err)
	}
	if _, err := maps.Get(t.Context(), "not-there", metav1.GetOptions{}); err == nil {
		t.Fatal("a refused request counts too, but this one was not refused")
	}
	applied := []byte(`{"apiVersion":"v1","kind":"ConfigMap","data":{"k":"v"}}`)
	_, err = maps.Patch(t.Context(), "a", types.ApplyPatchType, applied, metav1.PatchOptions{FieldManager: "test"})
	must(t, err)
	must(t, maps.Delete(t.Context(), "b", metav1.DeleteOptions{}))
	_, err = client.Discovery().ServerVersion()
	must(t, err)
	watch.Stop()
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestAuditSaysWhatEachRequestWas(t *testing.T) {
	cp := controlplanetest.Shared(t)
	namespace := controlplanetest.Namespace(t, cp)
	counter, err := cp.NewRequestCounter(t.Context())
	must(t, err)
	_, err = clientFor(t, cp.Config()).CoreV1().ConfigMaps(namespace).Get(t.Context(), "missing", metav1.GetOptions{})
	if err == nil {
		t.Fatal("found an object that does not exist")
	}
	requests, err := counter.Requests(t.Context())
	must(t, err)
	for _, r := range requests {
		if r.Namespace == namespace && r.Name == "missing" && r.Verb == "get" {
			if r.Code != 404 || r.Received.IsZero() || !strings.HasPrefix(r.UserAgent, "controlplane.test") {
				t.Errorf("the request was noted as %+v", r)
			}
			return
		}
	}
	t.Errorf("the request is not among %+v", requests)
}
