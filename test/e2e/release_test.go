package e2e

import (
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/lab/cloud"
	"usermanagement.dev/stack/test/stacktest"
)

const (
	// clients is how many people work at once, and pause is how long each looks at a page: a load that leaves this machine
	// time to boot others.
	clients = 4
	pause   = 100 * time.Millisecond
	// leastRequests is what a release has to live through.
	leastRequests = 200
)

// underLoad has people on the internet work, each signed in.
func (d *deployed) underLoad(t *testing.T, p *stacktest.Person) *stacktest.Load {
	t.Helper()
	return p.UnderLoad(visitor(t), clients, pause)
}

// TestRelease: an edit of the version replaces both machines while people work, and nobody notices.
func TestRelease(t *testing.T) {
	d := stack(t)
	p := d.signedIn(t)
	old := d.HostIDs()
	l := d.underLoad(t, p)
	d.Release(t, second)
	d.serves(t)
	l.NoneFails(t, leastRequests)
	for _, i := range d.Hosts() {
		if slices.Contains(old, i.ID) {
			t.Errorf("host %s was not replaced", i.ID)
		}
		if out, err := on(t, i, "readlink", "/opt/usermanagement/current"); !strings.Contains(out, second.Version) {
			t.Errorf("host %s runs %s: %v", i.ID, out, err)
		}
	}
	p.IsSignedIn()
}

// TestBadRelease: one that is not what was asked for is never run, the journal and the console say why, and it is withdrawn
// while the one before serves.
func TestBadRelease(t *testing.T) {
	d := stack(t)
	p := d.signedIn(t)
	old, good := d.HostIDs(), d.Object.DeepCopy()
	wrong, err := lab.DataPlane.Releases.Add("6.6.6", runtime.GOARCH, lab.Program(first.Version))
	if err != nil {
		t.Fatal(err)
	}
	right := wrong.SHA256
	wrong.SHA256 = strings.Repeat("0", len(right))
	l := d.underLoad(t, p)
	defer d.Change(t, func(stack *v1.UserManagementStack) { stack.Spec = good.Spec })
	d.Release(t, wrong)
	d.saysWhy(t, d.newHost(t, old), "usermanagement: host not installed: release 6.6.6 has checksum "+right+", wanted "+wrong.SHA256)
	// Only now is its time up: how long a machine takes to boot is not what this is about.
	d.Change(t, func(stack *v1.UserManagementStack) {
		stack.Spec.Rollout.ProgressDeadline = metav1.Duration{Duration: time.Minute}
	})
	d.WithdrawnIsSaid(t, wrong.Version)
	d.Serving(t, visitor(t), good.Spec.App.Version)
	l.NoneFails(t, leastRequests)
	if now := d.HostIDs(); !slices.Equal(now, old) {
		t.Errorf("the hosts are %v, before the release they were %v", now, old)
	}
	p.IsSignedIn()
}

// newHost is the one beside those that there were.
func (d *deployed) newHost(t *testing.T, old []string) cloud.Instance {
	t.Helper()
	var found cloud.Instance
	d.Until(t, "there is a new host", func() (bool, string) {
		for _, i := range d.Hosts() {
			if !slices.Contains(old, i.ID) {
				found = i
			}
		}
		return found.ID != "", ""
	})
	return found
}

// saysWhy wants the reason for which a host was not installed on its console and in its journal, and nothing installed.
func (d *deployed) saysWhy(t *testing.T, host cloud.Instance, want string) {
	t.Helper()
	d.Until(t, "the console says why", func() (bool, string) {
		return strings.Contains(lab.Console(host.ID), want), lab.Console(host.ID)
	})
	out, err := on(t, host, "journalctl", "--no-pager", "--unit", "usermanagement.service")
	if err != nil || !strings.Contains(out, want) {
		t.Errorf("the journal does not say why: %s: %v", out, err)
	}
	if out, err := on(t, host, "ls", "-R", "/opt/usermanagement/releases"); strings.Contains(out, "app\n") {
		t.Errorf("the wrong binary is kept: %s: %v", out, err)
	}
}
