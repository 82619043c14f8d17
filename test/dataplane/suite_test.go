// Package dataplane runs stacks whose hosts are real: their user data installs the app, which reads its secrets with the
// host's role, uses a database over TLS, and serves through a load balancer. Tests look at it as its users do.
package dataplane

import (
	"context"
	"testing"

	"usermanagement.dev/stack/lab/acksim"
	"usermanagement.dev/stack/lab/environment"
	"usermanagement.dev/stack/lab/hosts"
	"usermanagement.dev/stack/lab/origin"
	"usermanagement.dev/stack/test/stacktest"
)

// lab is what all tests of this package share; each works in a namespace of its own.
var lab *stacktest.Lab

// The releases that hosts can fetch.
var first, second origin.Artifact

// pace makes load balancers check a hundred times as often as in AWS.
const pace = 0.01

func TestMain(m *testing.M) {
	options := environment.Options{Pace: acksim.Instant(), Hosts: hosts.Process, HealthPace: pace}
	stacktest.Main(m, options, func(ctx context.Context, started *stacktest.Lab) (err error) {
		lab = started
		first, second, err = lab.BuildReleases(ctx)
		return err
	})
}
