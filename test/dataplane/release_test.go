package dataplane

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

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

// TestAReleaseFailsNoRequest replaces both hosts while people work.
func TestAReleaseFailsNoRequest(t *testing.T) {
	d := deploy(t, first, healthInterval, swift)
	p := d.signedIn(t)
	old := d.HostIDs()
	l := p.UnderLoad(d.way, clients, 0)
	d.Release(t, second)
	d.Ready(t)
	d.Serving(t, d.way, second.Version)
	d.Until(t, "there were enough requests", func() (bool, string) { return l.Sent() >= leastRequests, "" })
	l.NoneFails(t, leastRequests)
	for _, id := range d.HostIDs() {
		if slices.Contains(old, id) {
			t.Errorf("host %s was not replaced", id)
		}
	}
	p.IsSignedIn()
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
		r.deployed = apply(t, first, healthInterval, swift)
	}
	for _, r := range releases {
		r.Ready(t)
		r.Serving(t, r.way, first.Version)
		r.old = r.HostIDs()
		r.Release(t, r.artifact)
	}
	for _, r := range releases {
		t.Run(r.name, r.isWithdrawn)
	}
}

// isWithdrawn waits until the status says that the release is given up, and sees that all is as it was before.
func (r *badRelease) isWithdrawn(t *testing.T) {
	r.Until(t, "a new host's log says what is wrong", func() (bool, string) { return r.consoleOfANewHost(), "" })
	r.WithdrawnIsSaid(t, r.artifact.Version)
	r.Serving(t, r.way, first.Version)
	if now := r.HostIDs(); !slices.Equal(now, r.old) {
		t.Errorf("the hosts are %v, before the release they were %v", now, r.old)
	}
}

// consoleOfANewHost reports whether a host that came with the release has said what it should, even if it is gone.
func (r *badRelease) consoleOfANewHost() bool {
	for _, i := range lab.Cloud.Instances() {
		if i.Owner.Namespace == r.Object.Namespace && !slices.Contains(r.old, i.ID) && strings.Contains(lab.Console(i.ID), r.console) {
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
	return script(t, version, "UMS_DATABASE_PORT=1 exec '"+lab.Program(first.Version)+"'")
}
