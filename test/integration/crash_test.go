package integration

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"k8s.io/client-go/rest"

	v1 "usermanagement.dev/stack/api/v1"
)

// errKilled is what a killed operator's requests end with.
var errKilled = errors.New("the operator was killed")

// guillotine lets a number of writes through. The last of them reaches the API server, but its answer is lost, and so is
// every later request: what a killed process leaves behind.
type guillotine struct {
	next   http.RoundTripper
	left   atomic.Int64
	fallen chan struct{}
}

func newGuillotine(writes int64) *guillotine {
	g := &guillotine{fallen: make(chan struct{})}
	g.left.Store(writes)
	return g
}

func (g *guillotine) wrap(config *rest.Config) {
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { g.next = next; return g })
}

func (g *guillotine) RoundTrip(request *http.Request) (*http.Response, error) {
	select {
	case <-g.fallen:
		return nil, errKilled
	default:
	}
	// Events are sent aside and prove nothing about a stack.
	if request.Method == http.MethodGet || strings.Contains(request.URL.Path, "/events") {
		return g.next.RoundTrip(request)
	}
	left := g.left.Add(-1)
	if left < 0 {
		return nil, errKilled
	}
	response, err := g.next.RoundTrip(request)
	if left == 0 {
		close(g.fallen)
		if err == nil {
			_ = response.Body.Close()
		}
		return nil, errKilled
	}
	return response, err
}

func TestAnOperatorKilledAfterAnyWriteOfACreationGetsThere(t *testing.T) {
	expected := undisturbed(t)
	for k := int64(1); ; k++ {
		namespace := lab.Namespace(t)
		g := newGuillotine(k)
		victim := startBlindOperator(t, namespace, g.wrap)
		stack := create(t, namespace, sample(t, "minimal"))
		if !killedBeforeReady(t, g, stack) {
			victim.kill()
			t.Logf("the operator was killed after each of %d writes", k-1)
			return
		}
		victim.kill()
		heir := startBlindOperator(t, namespace)
		eventuallyReady(t, stack)
		heir.kill()
		if got := census(namespace); got != expected {
			t.Fatalf("after a kill at write %d the world is\n%s\nand without one\n%s", k, got, expected)
		}
	}
}

// undisturbed is what a stack is made of if nobody is killed.
func undisturbed(t *testing.T) string {
	t.Helper()
	namespace := lab.Namespace(t)
	o := startBlindOperator(t, namespace)
	eventuallyReady(t, create(t, namespace, sample(t, "minimal")))
	o.kill()
	return census(namespace)
}

// killedBeforeReady waits for the kill, or for the end of the work that a large enough number of writes allows.
func killedBeforeReady(t *testing.T, g *guillotine, stack *stackObject) bool {
	t.Helper()
	killed := false
	eventually(t, stack, "it is Ready or the operator is killed", func(s *stackObject) bool {
		select {
		case <-g.fallen:
			killed = true
			return true
		default:
			return s.Status.Progress.Total > 0 && s.Status.Progress.Ready == s.Status.Progress.Total
		}
	})
	return killed
}

// census counts the AWS resources of a namespace by kind: one too many was made twice, and is an orphan.
func census(namespace string) string {
	counts := map[string]int{}
	for _, object := range owned(namespace) {
		counts[string(object.Kind)]++
	}
	return fmt.Sprint(counts) // fmt prints maps in the order of their keys
}

// livesUntil starts operators each of which is killed after its first write, until one says that all is done, and counts
// those that were killed.
func livesUntil(live func(*guillotine) (o *operator, done bool)) (lives int) {
	for ; ; lives++ {
		o, done := live(newGuillotine(1))
		o.kill()
		if done {
			return lives
		}
	}
}

func TestAnOperatorKilledAfterEveryWriteOfADeletionGetsThere(t *testing.T) {
	namespace := lab.Namespace(t)
	first := startBlindOperator(t, namespace)
	stack := create(t, namespace, sample(t, "minimal", func(s *v1.UserManagementStack) { s.Spec.DeletionPolicy = v1.DeletionPolicyDelete }))
	eventuallyReady(t, stack)
	first.kill()
	if err := admin.Delete(t.Context(), stack); err != nil {
		t.Fatal(err)
	}
	lives := livesUntil(func(g *guillotine) (*operator, bool) {
		o := startBlindOperator(t, namespace, g.wrap)
		return o, goneOrKilled(t, g, stack)
	})
	t.Logf("the deletion took %d lives of an operator", lives)
	assertOnlyKept(t, namespace, stack)
	if left := objects(t, namespace); len(left) > 0 {
		t.Errorf("%d objects are left", len(left))
	}
}
