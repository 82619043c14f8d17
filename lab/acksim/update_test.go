package acksim_test

import (
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"usermanagement.dev/stack/lab/acksim"
	"usermanagement.dev/stack/lab/cloud"
)

// ack-notes 1.5: changes that AWS cannot make are ignored silently: the object is ready, AWS has the old value.
func TestImmutableChangesAreIgnoredSilently(t *testing.T) {
	t.Parallel()
	w := newWorld(t, cloud.Options{}, acksim.Options{})
	vpc := w.vpc()
	w.apply("InternetGateway", "igw", m{"vpc": vpc})
	w.ready("InternetGateway", "igw")
	rt := w.routeTable(vpc)
	a := w.subnet("a", vpc, "10.0.1.0/24", zone(0), rt, false)
	b := w.subnet("b", vpc, "10.0.2.0/24", zone(1), rt, false)
	w.subnet("a", vpc, "10.0.9.0/24", zone(0), rt, false)
	for _, s := range w.cloud.Subnets() {
		if s.ID == a && s.CIDRBlock != "10.0.1.0/24" {
			t.Errorf("subnet has %s", s.CIDRBlock)
		}
	}
	lb := m{"name": "ums-alb", "scheme": "internet-facing", "type": "application", "subnets": list(a, b)}
	w.apply("LoadBalancer", "alb", lb)
	w.ready("LoadBalancer", "alb")
	lb["scheme"] = "internal"
	generation := w.apply("LoadBalancer", "alb", lb).GetGeneration()
	w.settleLB()
	u := w.ready("LoadBalancer", "alb")
	if w.cloud.LoadBalancers()[0].Scheme != "internet-facing" || str(u, "spec.scheme") != "internal" || u.GetGeneration() != generation {
		t.Errorf("a change of scheme is ignored, not undone:\n%s", pretty(u))
	}
}

// settleLB waits until the load balancer controller has made a pass after the last change.
func (w *world) settleLB() {
	w.t.Helper()
	before := w.calls("elbv2:DescribeLoadBalancers")
	w.eventually("a pass", func() bool { return w.calls("elbv2:DescribeLoadBalancers") > before || before > 3 })
}

// ack-notes 1.5, 3.7: a change of a target group's port is undone in spec, and whoever applies it again fights for ever.
func TestTargetGroupPortIsReverted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, cloud.Options{}, acksim.Options{})
	spec := tgSpec(w.vpc())
	w.apply("TargetGroup", "tg", spec)
	w.ready("TargetGroup", "tg")
	spec["port"] = int64(9090)
	for range 2 {
		applied := w.apply("TargetGroup", "tg", spec)
		u := w.until("TargetGroup", "tg", "reverted", func(u *unstructured.Unstructured) bool { return field(u, "spec.port") == int64(8080) })
		if u.GetGeneration() != applied.GetGeneration()+1 {
			t.Errorf("generation %d after %d", u.GetGeneration(), applied.GetGeneration())
		}
	}
	managers := map[string]bool{}
	for _, f := range w.get("TargetGroup", "tg").GetManagedFields() {
		managers[f.Manager] = true
	}
	if !managers["controller"] {
		t.Errorf("ACK writes as manager \"controller\": %v", managers)
	}
}

// ack-notes 1.5: some changes are refused by the API server itself.
func TestSomeChangesAreRefusedByTheAPIServer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, cloud.Options{}, acksim.Options{})
	w.apply("InstanceProfile", "p", m{"name": "p", "path": "/a/"})
	_, err := w.resource("InstanceProfile").Patch(w.ctx, "p", types.MergePatchType, []byte(`{"spec":{"path":"/b/"}}`), metav1.PatchOptions{})
	if !apierrors.IsInvalid(err) {
		t.Errorf("changing an immutable path: %v", err)
	}
}

// ack-notes 1.9: tags of the spec are authoritative, the controller's own tags are in AWS and never in spec, and target
// groups and listeners get neither.
func TestTags(t *testing.T) {
	t.Parallel()
	w := newWorld(t, cloud.Options{}, acksim.Options{})
	vpc := w.vpc()
	actual := w.cloud.VPCs()[0].Tags
	if actual["stack"] != "prod" || actual["services.k8s.aws/namespace"] != w.namespace ||
		actual["services.k8s.aws/controller-version"] == "" {
		t.Errorf("tags in AWS: %v", actual)
	}
	if n, _, _ := unstructured.NestedSlice(w.get("VPC", "vpc").Object, "spec", "tags"); len(n) != 1 {
		t.Errorf("tags in spec: %v", n)
	}
	aws := w.cloud.Client(cloud.Caller{Region: region})
	if err := aws.Tag(w.ctx, cloud.KindVPC, vpc, cloud.Tags{"foreign": "1"}, nil); err != nil {
		t.Fatal(err)
	}
	spec := vpcSpec()
	spec["enableDNSHostnames"] = false
	w.apply("VPC", "vpc", spec)
	w.eventually("foreign tags are removed", func() bool { return w.cloud.VPCs()[0].Tags["foreign"] == "" })
	tg := tgSpec(vpc)
	tg["tags"] = tags()
	w.apply("TargetGroup", "tg", tg)
	w.ready("TargetGroup", "tg")
	if got := w.cloud.TargetGroups()[0].Tags; len(got) != 1 || got["stack"] != "prod" {
		t.Errorf("a target group has only its own tags: %v", got)
	}
}

// ack-notes 1.10: applying the same fields again changes nothing, although ACK has filled in others beside them.
func TestRepeatedApplyIsStable(t *testing.T) {
	t.Parallel()
	w := newWorld(t, cloud.Options{}, acksim.Options{})
	n := w.network()
	w.database(n)
	lb, tg := w.balancer(n)
	listener := m{"loadBalancerARN": arn(lb), "port": int64(80), "protocol": "HTTP", "defaultActions": forward(arn(tg))}
	w.apply("Listener", "http", listener)
	w.ready("Listener", "http")
	for _, o := range []struct {
		kind, name string
		spec       m
	}{
		{"TargetGroup", "tg", tgSpec(n.vpc)},
		{"DBInstance", "db", dbSpec(n)},
		{"Listener", "http", listener},
		{"VPC", "vpc", m{"cidrBlocks": list("10.0.0.0/16"), "enableDNSSupport": true, "enableDNSHostnames": true, "tags": tags()}},
	} {
		before := w.get(o.kind, o.name).GetGeneration()
		if after := w.apply(o.kind, o.name, o.spec, adoptable, orCreate).GetGeneration(); after != before {
			t.Errorf("%s: generation %d became %d", o.kind, before, after)
		}
	}
	for field, want := range map[string]any{"healthCheckIntervalSeconds": int64(30), "matcher": nil, "protocolVersion": "HTTP1"} {
		got, _, _ := unstructured.NestedFieldNoCopy(w.get("TargetGroup", "tg").Object, "spec", field)
		if got == nil || want != nil && got != want {
			t.Errorf("ACK fills in %s: %v", field, got)
		}
	}
}

// ack-notes 3.7: a listener's actions are rewritten in AWS's form, references in them are lost, and applying the reference
// again starts it all over.
func TestListenerActionsAreRewritten(t *testing.T) {
	t.Parallel()
	w := newWorld(t, cloud.Options{}, acksim.Options{})
	n := w.network()
	lb, tg := w.balancer(n)
	spec := m{
		"loadBalancerARN": arn(lb), "port": int64(80), "protocol": "HTTP",
		"defaultActions": list(m{"type": "forward", "targetGroupRef": m{"from": m{"name": "tg"}}}),
	}
	w.apply("Listener", "http", spec)
	w.ready("Listener", "http")
	canonical := func(u *unstructured.Unstructured) bool {
		actions := elements(u.Object, "spec.defaultActions")
		if len(actions) != 1 || actions[0]["targetGroupRef"] != nil {
			return false
		}
		groups := elements(actions[0], "forwardConfig.targetGroups")
		return len(groups) == 1 && groups[0]["targetGroupARN"] == arn(tg) && groups[0]["weight"] == int64(1)
	}
	first := w.until("Listener", "http", "canonical", canonical).GetGeneration()
	w.apply("Listener", "http", spec)
	second := w.until("Listener", "http", "canonical again", canonical).GetGeneration()
	if second != first+2 {
		t.Errorf("generation went from %d to %d, want two more", first, second)
	}
}

// ack-notes 3.12, 1.8: a changed Kubernetes Secret reaches AWS only with a change of another field that is not a tag; only
// Opaque Secrets are read, and a missing one is retried.
func TestSecretContent(t *testing.T) {
	t.Parallel()
	w := newWorld(t, cloud.Options{}, acksim.Options{})
	spec := m{"name": "ums-app", "description": "hash 1", "secretString": m{"name": "app", "key": "value"}, "tags": tags()}
	w.apply("Secret", "s", spec)
	w.until("Secret", "s", "missing Secret is recoverable", recoverable)
	w.secret("app", "value", "one", "example.com/typed")
	w.until("Secret", "s", "typed Secret is recoverable", func(u *unstructured.Unstructured) bool {
		return recoverable(u) && len(w.live(cloud.KindSecret)) == 0
	})
	w.replaceSecret("app", "value", "one")
	id := arn(w.ready("Secret", "s"))
	w.replaceSecret("app", "value", "two")
	spec["tags"] = list(m{"key": "stack", "value": "other"})
	w.apply("Secret", "s", spec)
	w.eventually("the tag is changed", func() bool { return w.cloud.Secrets()[0].Tags["stack"] == "other" })
	if value, _ := w.cloud.SecretValue(id); value != "one" {
		t.Errorf("a tag pushed the value %q", value)
	}
	spec["description"] = "hash 2"
	w.apply("Secret", "s", spec)
	w.eventually("a new description pushes the value", func() bool { value, _ := w.cloud.SecretValue(id); return value == "two" })
}

func (w *world) replaceSecret(name, key, value string) {
	w.t.Helper()
	if err := w.core.CoreV1().Secrets(w.namespace).Delete(w.ctx, name, metav1.DeleteOptions{}); err != nil {
		w.t.Fatal(err)
	}
	w.secret(name, key, value, "Opaque")
}

// ack-notes 1.2: what is edited in AWS is seen at the next resync, and put right.
func TestResyncRepairsDrift(t *testing.T) {
	t.Parallel()
	w := newWorld(t, cloud.Options{}, acksim.Options{KindResync: map[string]time.Duration{"SecurityGroup": 20 * time.Millisecond}})
	vpc := w.vpc()
	w.apply("SecurityGroup", "sg", groupSpec(vpc, goodRule()))
	id := str(w.ready("SecurityGroup", "sg"), "status.id")
	aws := w.cloud.Client(cloud.Caller{Region: region})
	rule := cloud.Rule{Protocol: "tcp", FromPort: 22, ToPort: 22, CIDR: "0.0.0.0/0"}
	if err := aws.AuthorizeSecurityGroup(w.ctx, id, false, []cloud.Rule{rule}); err != nil {
		t.Fatal(err)
	}
	w.eventually("the foreign rule is revoked", func() bool {
		for _, g := range w.cloud.SecurityGroups() {
			if g.ID == id {
				return len(g.Rules) == 1
			}
		}
		return false
	})
}
