package integration

import (
	"bytes"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/internal/plugin"
)

// diff is what kubectl ums diff says of a manifest.
func diff(t *testing.T, stack *v1.UserManagementStack) (code int, out, errOut string) {
	t.Helper()
	manifest, err := yaml.Marshal(map[string]any{
		"apiVersion": v1.GroupVersion.String(), "kind": v1.Kind,
		"metadata": map[string]any{"namespace": stack.Namespace, "name": stack.Name}, "spec": stack.Spec,
	})
	if err != nil {
		t.Fatal(err)
	}
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	if err := lab.ControlPlane.WriteKubeconfig(kubeconfig); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr strings.Builder
	streams := plugin.Streams{In: bytes.NewReader(manifest), Out: &stdout, Err: &stderr}
	code = plugin.Run(t.Context(), []string{"diff", "-f", "-", "--kubeconfig", kubeconfig}, streams)
	return code, stdout.String(), stderr.String()
}

// live is the stack as it is.
func live(t *testing.T, stack *v1.UserManagementStack) *v1.UserManagementStack {
	t.Helper()
	seen := &v1.UserManagementStack{}
	if err := admin.Get(t.Context(), client.ObjectKeyFromObject(stack), seen); err != nil {
		t.Fatal(err)
	}
	return seen
}

// foretold are the nodes that kubectl ums diff says an edit would touch, and those of which it says that they may be.
type foretold struct{ certain, possible []string }

func foretell(t *testing.T, stack *v1.UserManagementStack, edit func(*v1.UserManagementStackSpec)) foretold {
	t.Helper()
	wanted := live(t, stack)
	edit(&wanted.Spec)
	code, out, errOut := diff(t, wanted)
	if code != 0 {
		t.Fatalf("kubectl ums diff: exit code %d: %s", code, errOut)
	}
	var f foretold
	for line := range strings.Lines(out) {
		sign, rest, _ := strings.Cut(line, " ")
		node, _, _ := strings.Cut(rest, " ")
		switch sign {
		case "+", "~", "±", "-":
			f.certain = append(f.certain, node)
		case "…":
			f.possible = append(f.possible, node)
		}
	}
	return f
}

// check compares what was foretold with the nodes that were touched.
func (f foretold) check(t *testing.T, touched []string) {
	t.Helper()
	for _, node := range touched {
		if !slices.Contains(f.certain, node) && !slices.Contains(f.possible, node) {
			t.Errorf("kubectl ums diff did not foretell that %s would change", node)
		}
	}
	for _, node := range f.certain {
		if !slices.Contains(touched, node) {
			t.Errorf("kubectl ums diff foretold that %s would change, and it did not", node)
		}
	}
}

// nodesOf are the nodes among the keys of specs.
func nodesOf(keys []string) []string {
	var nodes []string
	for _, key := range keys {
		node, _, _ := strings.Cut(key, " ")
		nodes = append(nodes, node)
	}
	return nodes
}

func TestDiffSaysWhatWouldBecomeOfAManifest(t *testing.T) {
	namespace := lab.Namespace(t)
	startOperator(t, namespace)
	stack := create(t, namespace, sample(t, "minimal"))
	eventuallyReady(t, stack)
	for _, c := range []struct {
		what string
		edit func(*v1.UserManagementStack)
		code int
		want []string
	}{
		{"the same", func(*v1.UserManagementStack) {}, 0, []string{"Nothing would change: all 36 resources are as the manifest says."}},
		{
			"an edit", func(s *v1.UserManagementStack) {
				s.Spec.Database.StorageGiB = 200
				s.Spec.Hosts.InstanceType = "t3.large"
			},
			0,
			[]string{
				"~ db ", "spec.allocatedStorage: 20 → 200", "± host-us-east-2a-0 ", "± host-us-east-2b-0 ",
				`spec.instanceType: "t3.micro" → "t3.large"`, "1 changed in place, 2 replaced; 33 stay as they are.",
			},
		},
		{
			"what is forbidden", func(s *v1.UserManagementStack) { s.Spec.Network.NATGateways = v1.NATGatewaySingle }, 1,
			[]string{"the API server would refuse it", "spec.network", "cannot be changed"},
		},
		{
			"a stack that is not there", func(s *v1.UserManagementStack) { s.Name = "another" }, 0,
			[]string{"There is no such stack yet.", "36 resources in "},
		},
	} {
		t.Run(c.what, func(t *testing.T) {
			wanted := live(t, stack)
			c.edit(wanted)
			code, out, errOut := diff(t, wanted)
			if code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			for _, want := range c.want {
				if !strings.Contains(out+errOut, want) {
					t.Errorf("it does not say %q:\n%s%s", want, out, errOut)
				}
			}
		})
	}
	if now := live(t, stack); now.Generation != 1 {
		t.Errorf("asking has changed the stack: generation %d", now.Generation)
	}
}
