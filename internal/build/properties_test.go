package build_test

import (
	"context"
	"encoding/base64"
	"hash/fnv"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/validation"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/internal/ack"
	"usermanagement.dev/stack/internal/build"
	"usermanagement.dev/stack/internal/build/buildtest"
	"usermanagement.dev/stack/internal/graph"
	"usermanagement.dev/stack/internal/graph/graphtest"
	"usermanagement.dev/stack/internal/hostcontract"
)

// partial is a world in which some things are there and some are not, by a hash of their names and of the seed.
type partial uint32

func (p partial) Ready(node string) bool { return p.knows(node, "ready") }

func (p partial) Output(node, field string) (string, bool) {
	if !p.knows(node, field) {
		return "", false
	}
	return graphtest.Full{}.Output(node, field)
}

func (p partial) knows(node, field string) bool {
	h := fnv.New32a()
	_, _ = h.Write([]byte{byte(p)})
	_, _ = h.Write([]byte(node + "." + field))
	return h.Sum32()%2 == 0
}

// TestEdgesDoNotDependOnTheWorld: else an order of deletion written early would be wrong later.
func TestEdgesDoNotDependOnTheWorld(t *testing.T) {
	for name, stack := range buildtest.Samples(t) {
		want := edges(t, stack, graphtest.Empty{})
		for seed := range partial(32) {
			if diff := cmp.Diff(want, edges(t, stack, seed)); diff != "" {
				t.Fatalf("%s, world %d: %s", name, seed, diff)
			}
		}
		if diff := cmp.Diff(want, edges(t, stack, graphtest.Full{})); diff != "" {
			t.Fatalf("%s: %s", name, diff)
		}
	}
}

func edges(t *testing.T, stack *v1.UserManagementStack, world graph.World) map[string][]string {
	t.Helper()
	g, err := build.Stack(stack, world, buildtest.Inputs)
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string][]string)
	for _, n := range g.Nodes() {
		found[n.ID] = n.Needs
		if got := n.Object.GetAnnotations()[v1.AnnotationNeeds]; got != strings.Join(n.Needs, ",") {
			t.Errorf("%s needs %v and says %q", n.ID, n.Needs, got)
		}
	}
	return found
}

// TestDeterministic: the order in which a user writes lists and maps down is no difference.
func TestDeterministic(t *testing.T) {
	stack := buildtest.Samples(t)["production"]
	stack.Spec.Ingress.AllowedCIDRs = []string{"10.0.0.0/8", "192.0.2.0/24"}
	stack.Spec.Ingress.Domain.Aliases = []string{"a.example.com", "b.example.com"}
	want := built(t, stack)
	slices.Reverse(stack.Spec.Ingress.AllowedCIDRs)
	slices.Reverse(stack.Spec.Ingress.Domain.Aliases)
	for range 10 {
		if found := difference(want, built(t, stack)); len(found) > 0 {
			t.Fatalf("the same stack differs in %v", found)
		}
	}
}

// TestSameNameElsewhere: two stacks of one name share no name in AWS.
func TestSameNameElsewhere(t *testing.T) {
	stack := buildtest.Samples(t)["production"]
	other := stack.DeepCopy()
	other.Namespace, other.UID = "team-b", "another"
	seen := make(map[string]string)
	for _, n := range built(t, stack).Nodes() {
		if name := awsName(n.Object); name != "" {
			seen[n.Object.GetKind()+" "+name] = n.ID
		}
	}
	for _, n := range built(t, other).Nodes() {
		if id, taken := seen[n.Object.GetKind()+" "+awsName(n.Object)]; taken && n.Object.GetKind() != ack.RecordSet.Name {
			t.Errorf("%s and %s of the other have the name %s", id, n.ID, awsName(n.Object))
		}
	}
}

// awsName is the name by which AWS knows an object, if it is a name.
func awsName(object *unstructured.Unstructured) string {
	for _, field := range []string{"name", "dbInstanceIdentifier"} {
		if name, found, _ := unstructured.NestedString(object.Object, "spec", field); found {
			return name
		}
	}
	return ""
}

// form is what AWS demands of a kind's name: ack-notes §7.
type form struct {
	limit            int
	pattern, refused *regexp.Regexp
}

var (
	hyphenated = regexp.MustCompile(`^[a-z]([a-z0-9]|-[a-z0-9])*$`)
	forms      = map[string]form{
		ack.LoadBalancer.Name:     {32, hyphenated, regexp.MustCompile(`^internal-`)},
		ack.TargetGroup.Name:      {32, hyphenated, regexp.MustCompile(`^internal-`)},
		ack.SecurityGroup.Name:    {255, hyphenated, regexp.MustCompile(`^sg-`)},
		ack.DBInstance.Name:       {63, hyphenated, nil},
		ack.DBSubnetGroup.Name:    {255, hyphenated, regexp.MustCompile(`^default$`)},
		ack.DBParameterGroup.Name: {255, hyphenated, regexp.MustCompile(`^default`)},
		ack.Role.Name:             {64, regexp.MustCompile(`^[\w+=,.@-]+$`), nil},
		ack.InstanceProfile.Name:  {128, regexp.MustCompile(`^[\w+=,.@-]+$`), nil},
		ack.Secret.Name:           {512, regexp.MustCompile(`^[\w/+=.@-]+$`), regexp.MustCompile(`-[A-Za-z0-9]{6}$`)},
	}
)

// TestNames: whatever a stack is called, its names are ones that Kubernetes and AWS take.
func TestNames(t *testing.T) {
	long := strings.Repeat("a", 40)
	for _, name := range []string{"a", "internal-x", "internal", "sg-x", "default", "a--b", "a-" + long[:37] + "b", long} {
		for sample, stack := range buildtest.Samples(t) {
			stack.Name = name
			if domain := stack.Spec.Ingress.Domain; domain != nil {
				domain.Name = strings.Repeat("d", 49) + ".example.com"
				domain.Aliases = []string{strings.Repeat(strings.Repeat("e", 60)+".", 4) + "com"}
			}
			for _, n := range built(t, stack).Nodes() {
				checkNames(t, sample+" as "+name, n)
			}
			if snapshot := build.FinalSnapshotName(stack); !hyphenated.MatchString(snapshot) {
				t.Errorf("final snapshot %s", snapshot)
			}
		}
	}
}

// reporter is a test, or one draw of a random one.
type reporter interface {
	Helper()
	Errorf(format string, args ...any)
	Context() context.Context
}

func checkNames(t reporter, where string, n *graph.Node) {
	t.Helper()
	if problems := validation.IsDNS1123Subdomain(n.Object.GetName()); len(problems) > 0 {
		t.Errorf("%s: object %s: %v", where, n.Object.GetName(), problems)
	}
	for key, value := range n.Object.GetLabels() {
		if problems := validation.IsValidLabelValue(value); len(problems) > 0 {
			t.Errorf("%s: label %s=%s of %s: %v", where, key, value, n.ID, problems)
		}
	}
	f, named := forms[n.Object.GetKind()]
	if !named {
		return
	}
	name := awsName(n.Object)
	if len(name) > f.limit || !f.pattern.MatchString(name) || f.refused != nil && f.refused.MatchString(name) {
		t.Errorf("%s: AWS does not take %q for a %s", where, name, n.Object.GetKind())
	}
}

// awsText is what EC2 takes in descriptions of security groups and their rules.
var awsText = regexp.MustCompile(`^[a-zA-Z0-9 ._\-:/()#,@\[\]+=&;{}!$*]{1,255}$`)

func TestDescriptionsOfSecurityGroups(t *testing.T) {
	for _, n := range built(t, buildtest.Samples(t)["production"]).Nodes() {
		if n.Object.GetKind() != ack.SecurityGroup.Name {
			continue
		}
		walk(n.Object.Object["spec"], func(key string, value any) {
			if text, ok := value.(string); ok && key == "description" && !awsText.MatchString(text) {
				t.Errorf("EC2 does not take the description %q of %s", text, n.ID)
			}
			if list, ok := value.([]any); ok && len(list) == 0 {
				t.Errorf("%s of %s is empty", key, n.ID)
			}
		})
	}
}

func walk(value any, visit func(key string, value any)) {
	switch v := value.(type) {
	case map[string]any:
		for key, inner := range v {
			visit(key, inner)
			walk(inner, visit)
		}
	case []any:
		for _, inner := range v {
			walk(inner, visit)
		}
	}
}

// TestOrderOfDeletion: what AWS refuses to delete while something else is there goes after it. A node goes before
// those that it needs.
func TestOrderOfDeletion(t *testing.T) {
	g := built(t, buildtest.Samples(t)["production"])
	for _, order := range []string{
		"dns-users.example.com listener-https alb sg-alb vpc",
		"listener-http listener-https tg vpc",
		"listener-https cert-a4b7d826",
		"cert-validation-users.example.com cert-a4b7d826",
		"host-us-east-2a-0 subnet-app-us-east-2a rt-app-us-east-2a nat-us-east-2a eip-us-east-2a",
		"host-us-east-2b-0 sg-app sg-bastion vpc",
		"host-us-east-2a-0 profile-host role-host app-secret",
		"bastion sg-bastion vpc",
		"db db-subnets subnet-db-us-east-2a rt-db vpc",
		"db db-params-mysql8.4",
		"db sg-db sg-app sg-alb",
		"nat-us-east-2a subnet-public-us-east-2a rt-public igw vpc",
		"alb subnet-public-us-east-2b",
	} {
		nodes := strings.Fields(order)
		for i := 1; i < len(nodes); i++ {
			if !reaches(g, nodes[i-1], nodes[i]) {
				t.Errorf("%s could be deleted before %s", nodes[i], nodes[i-1])
			}
		}
	}
}

func reaches(g *graph.Graph, from, to string) bool {
	n := g.Node(from)
	return n != nil && slices.ContainsFunc(n.Needs, func(need string) bool { return need == to || reaches(g, need, to) })
}

// TestAdoption: ACK may take over what has a name that is the stack's alone, and nothing else.
func TestAdoption(t *testing.T) {
	for _, n := range built(t, buildtest.Samples(t)["production"]).Nodes() {
		kind, err := ack.KindOf(n.Object.GetKind())
		if err != nil {
			t.Fatal(err)
		}
		want := kind.Named && !strings.HasPrefix(n.ID, "dns-")
		if got := n.Object.GetAnnotations()[ack.AnnotationAdoptionPolicy] == ack.AdoptOrCreate; got != want {
			t.Errorf("%s may be adopted: %t", n.ID, got)
		}
	}
}

// TestTakingOver: a name that may lead to another system is moved only to hosts that serve, and stays once it was moved.
func TestTakingOver(t *testing.T) {
	stack := buildtest.Samples(t)["production"]
	stack.Spec.Ingress.Domain.ExistingRecords = v1.RecordsTakeOver
	node := build.DNSNode(stack.Spec.Ingress.Domain.Name)
	for _, c := range []struct {
		why      string
		serving  bool
		world    graph.World
		runnable bool
	}{
		{"no host serves", false, without{node}, false},
		{"a host serves", true, without{node}, true},
		{"it was moved, and hosts are in trouble", false, graphtest.Full{}, true},
	} {
		in := buildtest.Inputs
		in.Serving = c.serving
		g, err := build.Stack(stack, c.world, in)
		if err != nil {
			t.Fatal(err)
		}
		record := g.Node(node)
		if record.Runnable() != c.runnable || record.Object.GetAnnotations()[ack.AnnotationAdoptionPolicy] != ack.AdoptOrCreate {
			t.Errorf("%s: waits for %v, annotations %v", c.why, record.Missing, record.Object.GetAnnotations())
		}
	}
}

// without is a world in which everything stands but one node.
type without struct{ node string }

func (w without) Ready(node string) bool { return node != w.node }

func (w without) Output(node, field string) (string, bool) {
	return graphtest.Full{}.Output(node, field)
}

// TestNoSecret: of what can hold a secret in an app's environment, nothing is ever written into user data.
func TestNoSecret(t *testing.T) {
	for _, n := range built(t, buildtest.Samples(t)["production"]).Nodes() {
		encoded, found, _ := unstructured.NestedString(n.Object.Object, "spec", "userData")
		if !found {
			continue
		}
		document, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{
			hostcontract.EnvDatabaseURL + "=", hostcontract.EnvSetupSecret + "=", hostcontract.EnvEncryptionKey + "=",
			buildtest.Inputs.AppSecretHash,
		} {
			if strings.Contains(string(document), name) {
				t.Errorf("the user data of %s holds %s", n.ID, name)
			}
		}
	}
}

// TestTargets: the first apply of a target group is bare, and the next one has all that is ready by then.
func TestTargets(t *testing.T) {
	stack := buildtest.Samples(t)["production"]
	for _, c := range []struct {
		name    string
		known   map[string]string
		targets int
	}{
		{"nothing known", nil, 0},
		{"hosts run, group not made", map[string]string{"host-us-east-2a-0.id": "i-1", "host-us-east-2a-0.state": "running"}, 0},
		{"group made, no host", map[string]string{"tg.arn": "arn"}, 0},
		{"host pending", map[string]string{"tg.arn": "arn", "host-us-east-2a-0.id": "i-1", "host-us-east-2a-0.state": "pending"}, 0},
		{"one host", map[string]string{"tg.arn": "arn", "host-us-east-2a-0.id": "i-1", "host-us-east-2a-0.state": "running"}, 1},
		{"both hosts", map[string]string{
			"tg.arn": "arn", "host-us-east-2a-0.id": "i-1", "host-us-east-2a-0.state": "running",
			"host-us-east-2b-0.id": "i-2", "host-us-east-2b-0.state": "running",
		}, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			g, err := build.Stack(stack, known(c.known), buildtest.Inputs)
			if err != nil {
				t.Fatal(err)
			}
			object := g.Node("tg").Object
			targets, _, _ := unstructured.NestedSlice(object.Object, "spec", "targets")
			attributes, _, _ := unstructured.NestedSlice(object.Object, "spec", "attributes")
			if len(targets) != c.targets || (len(attributes) > 0) != (c.targets > 0) {
				t.Errorf("targets %v, attributes %v", targets, attributes)
			}
		})
	}
}

// known is a world of a few values, by node and field.
type known map[string]string

func (k known) Ready(string) bool { return false }

func (k known) Output(node, field string) (string, bool) {
	value, found := k[node+"."+field]
	return value, found
}

// TestRevision: it is not there before it is known, and tags are not in it.
func TestRevision(t *testing.T) {
	stack := buildtest.Samples(t)["production"]
	early, err := build.Stack(stack, graphtest.Empty{}, buildtest.Inputs)
	if err != nil {
		t.Fatal(err)
	}
	if revision := early.Node("host-us-east-2a-0").Revision; revision != "" {
		t.Errorf("revision %s of a host whose user data is not known", revision)
	}
	before := built(t, stack).Node("host-us-east-2a-0")
	stack.Spec.Tags = map[string]v1.TagValue{"other": "tag"}
	after := built(t, stack).Node("host-us-east-2a-0")
	if before.Revision == "" || before.Revision != after.Revision {
		t.Errorf("revision %q, with other tags %q", before.Revision, after.Revision)
	}
	if want := build.RevisedObjectName(stack, before.ID, before.Revision); before.Object.GetName() != want {
		t.Errorf("host is called %s, want %s", before.Object.GetName(), want)
	}
	if label := before.Object.GetLabels()[v1.LabelRevision]; label != before.Revision {
		t.Errorf("label %s, revision %s", label, before.Revision)
	}
}
