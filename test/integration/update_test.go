package integration

import (
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/lab/environment"
)

type stackObject = v1.UserManagementStack

// requestPass asks for a pass now, and returns the token that the status will echo.
func requestPass(t testing.TB, stack *stackObject) string {
	t.Helper()
	token := time.Now().Format(time.RFC3339Nano)
	seen := &stackObject{}
	if err := admin.Get(t.Context(), client.ObjectKeyFromObject(stack), seen); err != nil {
		t.Fatal(err)
	}
	patch := client.MergeFrom(seen.DeepCopy())
	if seen.Annotations == nil {
		seen.Annotations = map[string]string{}
	}
	seen.Annotations[v1.AnnotationReconcileRequestedAt] = token
	if err := admin.Patch(t.Context(), seen, patch); err != nil {
		t.Fatal(err)
	}
	return token
}

func TestChangesReachTheirObjectAndNothingElse(t *testing.T) {
	namespace := lab.Namespace(t)
	startOperator(t, namespace)
	stack := create(t, namespace, sample(t, "production"))
	eventuallyReady(t, stack)
	days := int32(21)
	for _, c := range []struct {
		what  string
		edit  func(*v1.UserManagementStackSpec)
		nodes []string // prefixes of the nodes whose objects change
	}{
		{"ingress CIDRs", func(s *v1.UserManagementStackSpec) { s.Ingress.AllowedCIDRs = []string{"198.51.100.0/24"} }, []string{"sg-alb"}},
		{"bastion CIDRs", func(s *v1.UserManagementStackSpec) { s.Bastion.AllowedCIDRs = []string{"198.51.100.7/32"} }, []string{"sg-bastion"}},
		{"database class", func(s *v1.UserManagementStackSpec) { s.Database.InstanceClass = "db.m7g.xlarge" }, []string{"db"}},
		{"storage", func(s *v1.UserManagementStackSpec) { s.Database.StorageGiB = 200 }, []string{"db"}},
		{"Multi-AZ", func(s *v1.UserManagementStackSpec) { s.Database.MultiAZ = false }, []string{"db"}},
		{"backups", func(s *v1.UserManagementStackSpec) { s.Database.BackupRetentionDays = &days }, []string{"db"}},
		{"deletion protection", func(s *v1.UserManagementStackSpec) { s.Database.DeletionProtection = true }, []string{"db"}},
		{"parameters", func(s *v1.UserManagementStackSpec) {
			s.Database.Parameters = map[string]string{"max_connections": "300"}
		}, []string{"db-params"}},
		{
			"aliases", func(s *v1.UserManagementStackSpec) {
				s.Ingress.Domain.Aliases = []string{"people." + environment.Domain}
			},
			[]string{"cert", "dns-", "listener-https"},
		},
		{"bastion type", func(s *v1.UserManagementStackSpec) { s.Bastion.InstanceType = "t3.small" }, []string{"bastion"}},
	} {
		t.Run(c.what, func(t *testing.T) {
			foretold := foretell(t, stack, c.edit)
			before := specs(objects(t, namespace))
			change(t, stack, c.edit)
			eventuallyReady(t, stack)
			after := specs(objects(t, namespace))
			changed := difference(before, after)
			if len(changed) == 0 {
				t.Fatal("no object changed")
			}
			for _, node := range changed {
				if !slices.ContainsFunc(c.nodes, func(prefix string) bool { return strings.HasPrefix(node, prefix) }) {
					t.Errorf("%s changed too", node)
				}
			}
			foretold.check(t, nodesOf(changed))
		})
	}
}

func TestTagsReachEveryObjectThatCanHaveThem(t *testing.T) {
	namespace := lab.Namespace(t)
	startOperator(t, namespace)
	stack := create(t, namespace, sample(t, "minimal"))
	eventuallyReady(t, stack)
	change(t, stack, func(s *v1.UserManagementStackSpec) { s.Tags = map[string]v1.TagValue{"owner": "alice"} })
	eventuallyReady(t, stack)
	for _, object := range objects(t, namespace) {
		tags, found, _ := unstructured.NestedSlice(object.Object, "spec", "tags")
		if !found {
			continue
		}
		if !slices.ContainsFunc(tags, func(tag any) bool {
			entry, _ := tag.(map[string]any)
			return entry["key"] == "owner" && entry["value"] == "alice"
		}) {
			t.Errorf("%s/%s has no tag owner=alice", object.GetKind(), object.GetName())
		}
	}
}

// specs are the specs of objects, by node and name.
func specs(list []*unstructured.Unstructured) map[string]any {
	found := map[string]any{}
	for _, object := range list {
		found[object.GetLabels()[v1.LabelNode]+" "+object.GetName()] = object.Object["spec"]
	}
	return found
}

// difference names the nodes whose objects came, went or changed.
func difference(before, after map[string]any) []string {
	var changed []string
	for key, spec := range after {
		if old, there := before[key]; !there || !sameJSON(old, spec) {
			changed = append(changed, key)
		}
	}
	for key := range before {
		if _, there := after[key]; !there {
			changed = append(changed, key)
		}
	}
	slices.Sort(changed)
	return changed
}
