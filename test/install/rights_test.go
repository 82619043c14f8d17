package install

import (
	"maps"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"

	"usermanagement.dev/stack/internal/ack"
)

const manager = release + "-manager"

func TestNoRoleHasAWildcard(t *testing.T) {
	for name, objects := range map[string][]object{
		"chart":         template(t),
		"one namespace": template(t, "--values", filepath.Join(chart, "ci", "one-namespace.yaml")),
		"kustomize":     kustomize(t, filepath.Join(root, "config", "default")),
	} {
		for _, o := range slices.Concat(ofKind(objects, "Role"), ofKind(objects, "ClusterRole")) {
			for _, rule := range typed[rbacv1.ClusterRole](t, o).Rules {
				for _, list := range [][]string{rule.APIGroups, rule.Resources, rule.Verbs, rule.NonResourceURLs} {
					if slices.Contains(list, "*") {
						t.Errorf("%s: %s has a wildcard: %v", name, id(o), rule)
					}
				}
			}
		}
	}
}

func TestTheOperatorMayWorkWithACKsKindsThatStacksAreMadeOfAndNoOthers(t *testing.T) {
	given := rightsOf(rulesOf(t, template(t), "ClusterRole", manager))
	needed := map[right]bool{}
	for _, kind := range ack.Kinds() {
		for _, verb := range []string{"get", "list", "watch", "create", "patch", "delete"} {
			needed[right{kind.Group(), kind.Plural, verb, ""}] = true
		}
	}
	maps.DeleteFunc(given, func(r right, _ bool) bool { return !isACK(r.group) })
	if difference := cmp.Diff(needed, given, cmp.AllowUnexported(right{})); difference != "" {
		t.Errorf("rights needed (-) and given (+):\n%s", difference)
	}
}

func isACK(group string) bool {
	return slices.ContainsFunc(ack.Kinds(), func(k ack.Kind) bool { return k.Group() == group })
}

func TestWithOneNamespaceOnlyWhatIsTheClustersIsGivenForTheCluster(t *testing.T) {
	everywhere := rightsOf(rulesOf(t, template(t), "ClusterRole", manager))
	objects := template(t, "--set", "watchNamespace=team-a")
	cluster := rightsOf(rulesOf(t, objects, "ClusterRole", manager))
	inside := rightsOf(rulesOf(t, objects, "Role", release+"-stacks"))

	wanted := map[right]bool{
		{"", "namespaces", "list", ""}:                                     true,
		{"", "namespaces", "watch", ""}:                                    true,
		{"apiextensions.k8s.io", "customresourcedefinitions", "list", ""}:  true,
		{"apiextensions.k8s.io", "customresourcedefinitions", "watch", ""}: true,
		{"authentication.k8s.io", "tokenreviews", "create", ""}:            true,
		{"authorization.k8s.io", "subjectaccessreviews", "create", ""}:     true,
	}
	if difference := cmp.Diff(wanted, cluster, cmp.AllowUnexported(right{})); difference != "" {
		t.Errorf("wanted (-) and given (+) for the whole cluster:\n%s", difference)
	}
	together := maps.Clone(cluster)
	maps.Copy(together, inside)
	if difference := cmp.Diff(everywhere, together, cmp.AllowUnexported(right{})); difference != "" {
		t.Errorf("rights for all namespaces (-) and for one (+), together:\n%s", difference)
	}
	for _, o := range slices.Concat(ofKind(objects, "Role"), ofKind(objects, "RoleBinding")) {
		if o.GetName() == release+"-stacks" && o.GetNamespace() != "team-a" {
			t.Errorf("%s is not in the watched namespace", id(o))
		}
	}
}

func TestTheGuardCoversEveryKindThatStacksAreMadeOf(t *testing.T) {
	policy := one(t, template(t, "--set", "childGuard.enabled=true"), "ValidatingAdmissionPolicy")
	guarded := guardedBy(t, policy)
	wanted := map[string]bool{"/secrets": true}
	for _, kind := range ack.Kinds() {
		wanted[kind.Group()+"/"+kind.Plural] = true
	}
	if difference := cmp.Diff(wanted, guarded); difference != "" {
		t.Errorf("kinds of a stack (-) and kinds that are guarded (+):\n%s", difference)
	}
}
