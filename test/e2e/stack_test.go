package e2e

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"usermanagement.dev/stack/lab/cloud"
	"usermanagement.dev/stack/lab/dataplane"
	"usermanagement.dev/stack/test/stacktest"
)

const (
	// patience bounds every wait of these tests. It is no measure: machines boot in seconds, on a busy machine in minutes.
	patience = 8 * time.Minute
	// healthInterval is how often the operator asks hosts for their health.
	healthInterval = 2 * time.Second
	// drain is how long a host that is replaced may finish what it has begun.
	drain = 5 * time.Second
)

// deployed is the stack that all tests look at, with the operator that looks after it.
type deployed struct {
	stacktest.Stack
	key   string // the administrator's private key, a file
	setUp sync.Once
}

// shared is the stack of all tests of this package, made by the first that asks for it.
var shared struct {
	once  sync.Once
	stack *deployed
}

// stack is a stack that serves people.
func stack(t *testing.T) *deployed {
	t.Helper()
	shared.once.Do(func() { shared.stack = deploy(t) })
	if shared.stack == nil {
		t.Fatal("there is no stack: the first test that asked for it says why")
	}
	shared.stack.serves(t)
	return shared.stack
}

// deploy applies the production sample, with the release and an administrator's key of this run.
func deploy(t *testing.T) *deployed {
	t.Helper()
	d := &deployed{
		Stack: stacktest.Stack{Lab: lab, Object: lab.Sample(t, "production"), Patience: patience}, key: lab.File("administrator"),
	}
	if out, err := exec.CommandContext(t.Context(), "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", d.key).CombinedOutput(); err != nil {
		t.Fatalf("make a key: %v: %s", err, out)
	}
	public, err := os.ReadFile(d.key + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	d.Object.Namespace = "team-a"
	d.Object.Spec.Bastion.AuthorizedKeys = []string{strings.TrimSpace(string(public))}
	d.Object.Spec.Bastion.AllowedCIDRs = []string{dataplane.AdministratorAddress + "/32"}
	d.Object.Spec.Rollout.Drain = &metav1.Duration{Duration: drain}
	stacktest.SetRelease(d.Object, first)
	if err := lab.Admin.Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: d.Object.Namespace}}); err != nil {
		t.Fatal(err)
	}
	config, err := lab.OperatorConfig()
	if err != nil {
		t.Fatal(err)
	}
	// It ends with the process: other tests need it too.
	if _, err := stacktest.StartOperator(config, lab.OperatorSettings(d.Object.Namespace, healthInterval)); err != nil {
		t.Fatal(err)
	}
	d.Create(t)
	return d
}

// serves waits until the stack is Ready and all hosts serve the release that it asks for, seen from the internet.
func (d *deployed) serves(t *testing.T) {
	t.Helper()
	d.Ready(t)
	d.Serving(t, visitor(t), d.Object.Spec.App.Version)
}

// on runs a program on an instance's machine, as root, and returns what it says.
func on(t *testing.T, i cloud.Instance, name string, arguments ...string) (string, error) {
	t.Helper()
	m, ok := lab.DataPlane.Machines.Machine(i.ID)
	if !ok {
		t.Fatalf("instance %s has no machine", i.ID)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	command, err := m.Command(ctx, name, arguments...)
	if err != nil {
		return "", err
	}
	out, err := command.CombinedOutput()
	return string(out), err
}
