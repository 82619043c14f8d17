// Package integration runs the operator against a real API server and an unfriendly imitation of ACK, and asserts what
// users of a stack would notice.
package integration

import (
	"context"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"usermanagement.dev/stack/lab/acksim"
	"usermanagement.dev/stack/lab/environment"
	"usermanagement.dev/stack/lab/hosts"
	"usermanagement.dev/stack/test/stacktest"
)

// lab is what all tests of this package share; each works in a namespace of its own.
var lab *stacktest.Lab

// admin sees and does everything, past all caches.
var admin client.Client

func TestMain(m *testing.M) {
	stacktest.Main(m, labOptions(), func(_ context.Context, started *stacktest.Lab) error {
		lab, admin = started, started.Admin
		lab.DataPlane.Simulation.Play(scripts.play)
		return nil
	})
}

func labOptions() environment.Options {
	return environment.Options{Pace: acksim.Instant(), Hosts: hosts.Simulated, HealthPace: healthPace, Audit: true}
}

// healthPace makes load balancers check their targets ten times a second.
const healthPace = 0.01
