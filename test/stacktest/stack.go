package stacktest

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/internal/build"
	"usermanagement.dev/stack/lab/cloud"
	"usermanagement.dev/stack/lab/origin"
)

// Stack is a stack with real hosts, as a test follows it.
type Stack struct {
	Lab *Lab
	// Object is the stack as it was last applied.
	Object *v1.UserManagementStack
	// Patience bounds each wait.
	Patience time.Duration
}

// Create applies the stack.
func (s *Stack) Create(t testing.TB) {
	t.Helper()
	if err := s.Lab.Admin.Create(t.Context(), s.Object); err != nil {
		t.Fatalf("create the stack: %v", err)
	}
}

// URL is where people reach the stack.
func (s *Stack) URL() string { return "https://" + s.Object.Spec.Ingress.Domain.Name }

// Until waits until something holds, and otherwise tells also what the hosts have said.
func (s *Stack) Until(t testing.TB, what string, holds func() (ok bool, state string)) {
	t.Helper()
	if state, ok := wait(s.Patience, holds); !ok {
		t.Fatalf("waited in vain until %s: %s\n%s", what, state, s.consoles())
	}
}

// Seen is the stack as it is now.
func (s *Stack) Seen(t testing.TB) *v1.UserManagementStack {
	t.Helper()
	seen := &v1.UserManagementStack{}
	if err := s.Lab.Admin.Get(t.Context(), client.ObjectKeyFromObject(s.Object), seen); err != nil {
		t.Fatal(err)
	}
	return seen
}

// Ready waits until the stack is Ready as it was last applied.
func (s *Stack) Ready(t testing.TB) {
	t.Helper()
	s.Until(t, "the stack is Ready", func() (bool, string) {
		seen := s.Seen(t)
		ready := meta.IsStatusConditionTrue(seen.Status.Conditions, v1.ConditionReady)
		return ready && seen.Status.ObservedGeneration == seen.Generation, Described(seen)
	})
}

// Described is a stack's status as a person would read it.
func Described(stack *v1.UserManagementStack) string {
	text, err := yaml.Marshal(stack.Status)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// Change edits the stack's spec, as a user does.
func (s *Stack) Change(t testing.TB, edit func(*v1.UserManagementStack)) {
	t.Helper()
	before := s.Object.DeepCopy()
	edit(s.Object)
	if err := s.Lab.Admin.Patch(t.Context(), s.Object, client.MergeFrom(before)); err != nil {
		t.Fatalf("change the stack: %v", err)
	}
}

// Release changes what a user changes to release.
func (s *Stack) Release(t testing.TB, a origin.Artifact) {
	t.Helper()
	s.Change(t, func(stack *v1.UserManagementStack) { SetRelease(stack, a) })
}

// WithdrawnIsSaid waits until the status says that a release is given up.
func (s *Stack) WithdrawnIsSaid(t testing.TB, version string) {
	t.Helper()
	s.Until(t, "the release is withdrawn", func() (bool, string) {
		seen := s.Seen(t)
		stalled := meta.FindStatusCondition(seen.Status.Conditions, v1.ConditionStalled)
		given := stalled != nil && stalled.Reason == v1.ReasonRolloutFailed && strings.Contains(stalled.Message, version)
		return given, Described(seen)
	})
}

// Serving waits until all hosts answer to who comes by a transport, all of them well and with a version.
func (s *Stack) Serving(t testing.TB, way http.RoundTripper, version string) {
	t.Helper()
	wanted := len(s.Object.Spec.Network.Zones) * int(max(s.Object.Spec.Hosts.PerZone, 1))
	s.Until(t, "all hosts serve "+version, func() (bool, string) {
		seen := map[string]bool{}
		for range 3 * wanted {
			status, health := Health(t, way, s.URL())
			if status != http.StatusOK || health.Version != version {
				return false, health.Version + " " + string(health.Status)
			}
			seen[health.Host] = true
		}
		return len(seen) == wanted, "too few hosts"
	})
}

// Hosts are the stack's app hosts that run, sorted by zone.
func (s *Stack) Hosts() []cloud.Instance { return s.instances("-host-") }

// HostIDs are the instance ids of Hosts.
func (s *Stack) HostIDs() []string {
	var ids []string
	for _, i := range s.Hosts() {
		ids = append(ids, i.ID)
	}
	return ids
}

// Bastion is the stack's bastion.
func (s *Stack) Bastion(t testing.TB) cloud.Instance {
	t.Helper()
	found := s.instances("-bastion")
	if len(found) != 1 {
		t.Fatalf("there are %d bastions, want one", len(found))
	}
	return found[0]
}

// instances are the running instances whose object's name has a part in it.
func (s *Stack) instances(part string) []cloud.Instance {
	var found []cloud.Instance
	for _, i := range s.Lab.Cloud.Instances() {
		if i.Owner.Namespace == s.Object.Namespace && i.State == "running" && strings.Contains(i.Owner.Name, part) {
			found = append(found, i)
		}
	}
	slices.SortFunc(found, func(a, b cloud.Instance) int {
		return cmp.Or(strings.Compare(a.Zone, b.Zone), strings.Compare(a.ID, b.ID))
	})
	return found
}

// Database is the stack's DB instance.
func (s *Stack) Database(t testing.TB) cloud.DBInstance {
	t.Helper()
	for _, i := range s.Lab.Cloud.DBInstances() {
		if i.Owner.Namespace == s.Object.Namespace {
			return i
		}
	}
	t.Fatal("the stack has no database")
	return cloud.DBInstance{}
}

// AppSecret is the Kubernetes Secret that holds the app's.
func (s *Stack) AppSecret(t testing.TB) *corev1.Secret {
	t.Helper()
	secret := &corev1.Secret{}
	key := client.ObjectKey{Namespace: s.Object.Namespace, Name: build.AppSecretName(s.Object)}
	if err := s.Lab.Admin.Get(t.Context(), key, secret); err != nil {
		t.Fatal(err)
	}
	return secret
}

// SetupSecret is what makes the first administrator.
func (s *Stack) SetupSecret(t testing.TB) string {
	t.Helper()
	return string(s.AppSecret(t).Data["setup-secret"])
}

// consoleTail is how much of a console is told, in bytes.
const consoleTail = 3000

// consoles are the ends of what the stack's instances have said, those included that are gone.
func (s *Stack) consoles() string {
	var all strings.Builder
	for _, i := range s.Lab.Cloud.Instances() {
		if i.Owner.Namespace == s.Object.Namespace {
			text := s.Lab.Console(i.ID)
			all.WriteString("--- " + i.Owner.Name + " " + i.ID + "\n" + text[max(0, len(text)-consoleTail):] + "\n")
		}
	}
	return all.String()
}
