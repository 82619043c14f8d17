package integration

import (
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"usermanagement.dev/stack/internal/ack"
	"usermanagement.dev/stack/lab/cloud"
	"usermanagement.dev/stack/lab/hosts"
)

// playbook is how the lab's hosts behave, by the release that they run or by their instance. The lab is shared, so each
// test has releases of its own.
type playbook struct {
	mu    sync.Mutex
	parts map[string]hosts.Behaviour
}

// scripts is what the lab plays.
var scripts = &playbook{parts: map[string]hosts.Behaviour{}}

// play is a hosts.Script.
func (p *playbook) play(facts hosts.Facts) hosts.Behaviour {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, key := range []string{facts.InstanceID, facts.Version} {
		if behaviour, ok := p.parts[key]; ok {
			return behaviour
		}
	}
	return hosts.Healthy
}

// add has the hosts of a release, or one instance, behave in a way until the test ends.
func (p *playbook) add(t *testing.T, key string, behaviour hosts.Behaviour) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.parts[key] = behaviour
	t.Cleanup(func() { p.remove(key) })
}

func (p *playbook) remove(key string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.parts, key)
}

// watch looks at the targets of a namespace's load balancers until the test ends it: fewer hosts that serve than are
// asked for is what no rollout may ever cause.
type watch struct {
	stop, done  chan struct{}
	least, most int
}

func watchHosts(namespace string) *watch {
	w := &watch{stop: make(chan struct{}), done: make(chan struct{}), least: 1 << 30}
	go func() {
		defer close(w.done)
		for {
			serving, running := countHosts(namespace)
			w.least, w.most = min(w.least, serving), max(w.most, running)
			select {
			case <-w.stop:
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}()
	return w
}

// end is how many hosts served at least, and how many ran at most.
func (w *watch) end() (least, most int) {
	close(w.stop)
	<-w.done
	return w.least, w.most
}

// countHosts counts the targets that a namespace's load balancers lead people to, and the app hosts that run.
func countHosts(namespace string) (serving, running int) {
	mine := map[string]bool{}
	for _, object := range owned(namespace) {
		mine[object.ID] = true
	}
	for _, group := range lab.Cloud.TargetGroups() {
		for _, target := range group.Targets {
			i, known := lab.Cloud.Instance(target.ID)
			if mine[group.ARN] && known && i.State == "running" && target.Health == "healthy" {
				serving++
			}
		}
	}
	for _, i := range lab.Cloud.Instances() {
		if mine[i.ID] && i.ProfileARN != "" && (i.State == "running" || i.State == "pending") {
			running++
		}
	}
	return serving, running
}

// ofKind are the AWS resources of a kind that exist for a namespace's objects.
func ofKind(namespace string, kind cloud.Kind) []cloud.Object {
	var found []cloud.Object
	for _, object := range owned(namespace) {
		if object.Kind == kind {
			found = append(found, object)
		}
	}
	return found
}

// looked has ACK look at an instance, which it does by itself every ten hours: any change of its spec will do.
func looked(t *testing.T, namespace, name string) {
	t.Helper()
	object := &unstructured.Unstructured{}
	object.SetGroupVersionKind(ack.Instance.GVK())
	if err := admin.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: name}, object); err != nil {
		t.Fatal(err)
	}
	patch := client.MergeFrom(object.DeepCopy())
	tags, _, _ := unstructured.NestedSlice(object.Object, "spec", "tags")
	tags = append(tags, map[string]any{"key": "looked-at", "value": "yes"})
	if err := unstructured.SetNestedSlice(object.Object, tags, "spec", "tags"); err != nil {
		t.Fatal(err)
	}
	if err := admin.Patch(t.Context(), object, patch); err != nil {
		t.Fatal(err)
	}
}
