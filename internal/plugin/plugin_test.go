package plugin_test

import (
	"os"
	"strings"
	"testing"

	"usermanagement.dev/stack/internal/plugin"
)

const sample = "../../config/samples/minimal.yaml"

// run is the plugin with arguments and an input.
func run(t *testing.T, in string, args ...string) (code int, out, errOut string) {
	t.Helper()
	var stdout, stderr strings.Builder
	code = plugin.Run(t.Context(), args, plugin.Streams{In: strings.NewReader(in), Out: &stdout, Err: &stderr})
	return code, stdout.String(), stderr.String()
}

func manifest(t *testing.T, replace ...string) string {
	t.Helper()
	text, err := os.ReadFile(sample)
	if err != nil {
		t.Fatal(err)
	}
	return strings.NewReplacer(replace...).Replace(string(text))
}

func TestPlan(t *testing.T) {
	code, out, errOut := run(t, "", "plan", "-f", sample)
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, errOut)
	}
	for _, want := range []string{"UserManagementStack default/minimal  34 resources", "wave 1\n  vpc ", "listener-https"} {
		if !strings.Contains(out, want) {
			t.Errorf("the plan lacks %q:\n%s", want, out)
		}
	}
	vpc, host := strings.Index(out, "\n  vpc "), strings.Index(out, "\n  host-us-east-2a-0 ")
	if vpc < 0 || host < vpc {
		t.Errorf("a host stands before its network:\n%s", out)
	}
}

func TestPlanTakesTheStacksAmongOthers(t *testing.T) {
	others := "# nothing\n---\napiVersion: v1\nkind: Namespace\nmetadata: {name: team-a}\n---\n"
	code, out, errOut := run(t, others+manifest(t), "plan", "-f", "-")
	if code != 0 || !strings.Contains(out, "default/minimal") {
		t.Errorf("exit code %d: %s%s", code, out, errOut)
	}
}

func TestPlanSaysWhatIsWrong(t *testing.T) {
	for name, c := range map[string]struct {
		in   string
		want []string
	}{
		"all of it": {
			manifest(t, "region: us-east-2\n", "region: us-east-2\n  colour: red\n", "cidr: 10.0.0.0/16", "cidr: 10.0.0.0"),
			[]string{"spec.colour: there is no such field", "spec.network.cidr"},
		},
		"a rule":     {manifest(t, "- name: us-east-2b", "- name: us-west-1b"), []string{"must be a zone of spec.region"}},
		"a name":     {manifest(t, "name: minimal", "name: Minimal"), []string{"metadata.name"}},
		"no stack":   {"apiVersion: v1\nkind: Secret\n", []string{"it holds no UserManagementStack"}},
		"no YAML":    {"a: [", []string{"it is no YAML of an object"}},
		"not a file": {"", []string{"it holds no UserManagementStack"}},
		"twice":      {manifest(t, "region: us-east-2\n", "region: us-east-2\n  region: us-east-2\n"), []string{"region"}},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, errOut := run(t, c.in, "plan", "-f", "-")
			if code != 1 || out != "" {
				t.Errorf("exit code %d, output %q", code, out)
			}
			for _, want := range c.want {
				if !strings.Contains(errOut, want) {
					t.Errorf("the error lacks %q: %s", want, errOut)
				}
			}
		})
	}
}

func TestCommandsAreCompleted(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"__complete", "st"}, "status\t"},
		{[]string{"__complete", "plan", "--f"}, "--filename\t"},
		// Names are the cluster's to know; without one there is nothing to offer, files least of all.
		{[]string{"__complete", "status", "--kubeconfig", "/nonexistent", ""}, ":4\n"},
	} {
		if code, out, errOut := run(t, "", c.args...); code != 0 || !strings.HasPrefix(out, c.want) {
			t.Errorf("%q: exit code %d, want %q in %q: %s", c.args, code, c.want, out, errOut)
		}
	}
}

func TestSeveralStacksStandApart(t *testing.T) {
	two := manifest(t) + "\n---\n" + manifest(t, "name: minimal", "name: other")
	code, out, errOut := run(t, two, "plan", "-f", "-")
	if code != 0 || !strings.Contains(out, "\n\nUserManagementStack default/other") {
		t.Errorf("exit code %d: %s%s", code, errOut, out)
	}
}

func TestUsage(t *testing.T) {
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"-h"}, 0, ""},
		{[]string{"plan"}, 2, "say which manifest"},
		{[]string{"plan", "file.yaml"}, 2, "say -f FILE"},
		{[]string{"plan", "-f", "/nonexistent"}, 1, "no such file"},
		{[]string{"tree"}, 2, "the name of one stack"},
		{[]string{"tree", "a", "b"}, 2, "the name of one stack"},
		{[]string{"tree", "a", "--colour"}, 2, "unknown flag"},
		{[]string{"grow"}, 2, "unknown command"},
		{[]string{"status", "a", "--kubeconfig", "/nonexistent"}, 1, "kubeconfig"},
	} {
		code, out, errOut := run(t, "", c.args...)
		if code != c.code || !strings.Contains(errOut, c.want) {
			t.Errorf("%v: exit code %d, want %d with %q: %s", c.args, code, c.code, c.want, errOut)
		}
		if c.code == 0 && !strings.Contains(out, "Exit codes") {
			t.Errorf("%v: the help does not tell the exit codes:\n%s", c.args, out)
		}
	}
}
