package integration

import (
	"context"
	"slices"
	"strings"
	"testing"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/lab/cloud"
	"usermanagement.dev/stack/lab/environment"
	"usermanagement.dev/stack/lab/hosts"
)

// A name that another system serves is moved only when that is asked for, only to a stack that serves, and without a moment
// in which it leads nowhere.
func TestANameIsTakenOverFromAnotherSystem(t *testing.T) {
	namespace := lab.Namespace(t)
	startOperator(t, namespace)
	stack := sample(t, "minimal", func(s *v1.UserManagementStack) { s.Spec.App.Version = "7.0.1" })
	name := "users." + namespace + "." + environment.Domain
	others := cloud.RecordSet{Name: name, Type: "A", TTL: 300, Values: []string{"192.0.2.80"}}
	changeRecord(t, stack, "CREATE", others)
	gaps := watchName(t, name)
	scripts.add(t, stack.Spec.App.Version, hosts.Unhealthy)
	create(t, namespace, stack)

	blocker := blockedBy(t, stack, "RecordSet", v1.ReasonTerminalError)
	if !strings.Contains(blocker.Hint, "existingRecords") || !strings.Contains(blocker.Message, "already exists") {
		t.Errorf("the blocker does not say what is in the way and what to do: %+v", blocker)
	}
	change(t, stack, func(spec *v1.UserManagementStackSpec) { spec.Ingress.Domain.ExistingRecords = v1.RecordsTakeOver })
	eventually(t, stack, "the record waits for hosts that serve", func(s *stackObject) bool {
		return s.Status.ObservedGeneration == 2 && slices.ContainsFunc(s.Status.Hosts.Items, func(h v1.HostStatus) bool {
			return h.Health.State == v1.HealthUnhealthy
		}) && !slices.ContainsFunc(s.Status.Blockers, func(b v1.Blocker) bool { return b.Kind == "RecordSet" })
	})
	if now := recordOf(name); now == nil || !slices.Equal(now.Values, others.Values) {
		t.Fatalf("the name was moved to hosts that do not serve: %+v", now)
	}
	scripts.remove(stack.Spec.App.Version)
	ready := eventuallyReady(t, stack)
	now := recordOf(name)
	if now == nil || now.Alias == nil || strings.TrimSuffix(now.Alias.DNSName, ".") != strings.ToLower(ready.Status.Endpoints.LoadBalancer) {
		t.Errorf("the name leads to %+v, not to %s", now, ready.Status.Endpoints.LoadBalancer)
	}
	if gap := gaps(); gap != "" {
		t.Error(gap)
	}
}

// changeRecord changes a record as somebody outside of the stack would.
func changeRecord(t *testing.T, stack *v1.UserManagementStack, action string, record cloud.RecordSet) {
	t.Helper()
	err := lab.Cloud.Use(t.Context(), stack.Spec.Region, func(ctx context.Context, c *cloud.Client) error {
		_, err := c.ChangeRecordSet(ctx, lab.Zone, action, record)
		return err
	})
	if err != nil {
		t.Fatalf("%s the record of %s: %v", action, record.Name, err)
	}
}

// recordOf is the address record of a name, or nil.
func recordOf(name string) *cloud.RecordSet {
	for _, r := range lab.Cloud.RecordSets() {
		if r.Name == name+"." && r.Type == "A" {
			return &r
		}
	}
	return nil
}

// watchName follows every change of DNS; what it returns ends that and says whether the name led nowhere for a moment.
func watchName(t *testing.T, name string) (gap func() string) {
	t.Helper()
	subscription := lab.Cloud.Subscribe()
	found, done := "", make(chan struct{})
	go func() {
		defer close(done)
		for event := range subscription.Events() {
			if event.Kind == cloud.KindRecordSet && event.Change == cloud.Deleted && strings.Contains(event.ID, "/"+name+"./A/") {
				found = "the record " + event.ID + " was deleted on the way"
			}
		}
	}()
	return func() string {
		subscription.Close()
		<-done
		return found
	}
}
