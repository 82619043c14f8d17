package dataplane

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/lab/origin"
)

// leastRequests is what a release has to live through.
const leastRequests = 20_000

// swift has a rollout not wait longer than requests take here.
func swift(s *v1.UserManagementStack) {
	s.Spec.Rollout.Drain = &metav1.Duration{Duration: time.Second}
	s.Spec.Rollout.ProgressDeadline = metav1.Duration{Duration: time.Minute}
}

// release changes what a user changes to release.
func (d *deployed) release(a origin.Artifact) {
	d.t.Helper()
	before := d.object.DeepCopy()
	d.setRelease(a)
	patch := client.MergeFrom(before)
	if err := admin.Patch(d.t.Context(), d.object, patch); err != nil {
		d.t.Fatal(err)
	}
}

// seen is the stack as it is now.
func (d *deployed) seen() *v1.UserManagementStack {
	d.t.Helper()
	seen := &v1.UserManagementStack{}
	if err := admin.Get(d.t.Context(), client.ObjectKeyFromObject(d.object), seen); err != nil {
		d.t.Fatal(err)
	}
	return seen
}

// TestAReleaseFailsNoRequest replaces both hosts while people work.
func TestAReleaseFailsNoRequest(t *testing.T) {
	d := deploy(t, first, swift)
	d.ready()
	d.serving(first.Version)
	p := d.person()
	p.setUp(d.setupSecret())
	p.signIn()
	old := d.instances()
	l := d.underLoad(p)
	d.release(second)
	d.ready()
	d.serving(second.Version)
	d.until("there were enough requests", func() (bool, string) { return l.sent() >= leastRequests, "" })
	answered, failures := l.stop()
	if len(failures) > 0 {
		t.Errorf("%d of %d requests failed, the first: %s", len(failures), answered+len(failures), failures[0])
	}
	t.Logf("%d requests, %d failed", answered+len(failures), len(failures))
	for _, id := range d.instances() {
		for _, before := range old {
			if id == before {
				t.Errorf("host %s was not replaced", id)
			}
		}
	}
	if got := p.get("/account"); !strings.Contains(got.body, "root1") {
		t.Errorf("after the release the person is no longer signed in: %d", got.status)
	}
}

// badRelease is one that never serves, on a stack of its own.
type badRelease struct {
	*deployed
	name, console string
	artifact      origin.Artifact
	old           []string
}

// TestBadReleasesAreWithdrawn tries them at the same time, because each has to be waited for until its deadline.
func TestBadReleasesAreWithdrawn(t *testing.T) {
	wrong := second
	wrong.SHA256 = strings.Repeat("0", 64)
	releases := []*badRelease{
		{name: "it crashes", console: "cannot go on", artifact: script(t, "6.6.1", "echo cannot go on >&2; exit 3")},
		{name: "its health stays 503", console: "host: starting", artifact: neverHealthy(t, "6.6.3")},
		{
			name: "its checksum is another", artifact: wrong,
			console: "host not installed: release 1.4.1 has checksum " + second.SHA256 + ", wanted " + wrong.SHA256,
		},
	}
	for _, r := range releases {
		r.deployed = deploy(t, first, swift)
	}
	for _, r := range releases {
		r.ready()
		r.serving(first.Version)
		r.old = r.instances()
		r.release(r.artifact)
	}
	for _, r := range releases {
		t.Run(r.name, r.isWithdrawn)
	}
}

// isWithdrawn waits until the status says that the release is given up, and sees that all is as it was before.
func (r *badRelease) isWithdrawn(t *testing.T) {
	said := false
	r.until("the release is withdrawn", func() (bool, string) {
		said = said || r.consoleOfANewHost()
		seen := r.seen()
		stalled := meta.FindStatusCondition(seen.Status.Conditions, v1.ConditionStalled)
		text, _ := yaml.Marshal(seen.Status)
		given := stalled != nil && stalled.Reason == v1.ReasonRolloutFailed
		return given && strings.Contains(stalled.Message, r.artifact.Version), string(text)
	})
	if !said {
		t.Errorf("no new host's log says %q", r.console)
	}
	r.serving(first.Version)
	if now := r.instances(); !slices.Equal(now, r.old) {
		t.Errorf("the hosts are %v, before the release they were %v", now, r.old)
	}
}

// consoleOfANewHost reports whether a host that came with the release has said what it should, even if it is gone.
func (r *badRelease) consoleOfANewHost() bool {
	for _, i := range lab.Cloud.Instances() {
		if i.Owner.Namespace == r.namespace && !slices.Contains(r.old, i.ID) && strings.Contains(console(i.ID), r.console) {
			return true
		}
	}
	return false
}

// script serves a shell script as a release.
func script(t *testing.T, version, text string) origin.Artifact {
	t.Helper()
	file := filepath.Join(t.TempDir(), "app")
	if err := os.WriteFile(file, []byte("#!/bin/sh\n"+text+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	a, err := lab.DataPlane.Releases.Add(version, runtime.GOARCH, file)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// neverHealthy is the first release told of a database that it cannot reach: it runs, and its /health says why it cannot
// serve.
func neverHealthy(t *testing.T, version string) origin.Artifact {
	t.Helper()
	return script(t, version, "UMS_DATABASE_PORT=1 exec '"+firstFile+"'")
}
