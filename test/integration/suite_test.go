// Package integration runs the operator against a real API server and an unfriendly imitation of ACK, and asserts what
// users of a stack would notice.
package integration

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"usermanagement.dev/stack/controllers"
	"usermanagement.dev/stack/lab/acksim"
	"usermanagement.dev/stack/lab/environment"
	"usermanagement.dev/stack/lab/hosts"
)

// lab is what all tests of this package share; each works in a namespace of its own.
var lab *environment.Environment

// admin sees and does everything, past all caches.
var admin client.Client

func TestMain(m *testing.M) {
	log.SetLogger(logr.Discard())
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "integration:", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Minute)
	defer cancel()
	crds, err := environment.CRDs("../..")
	if err != nil {
		return 1, err
	}
	lab, err = environment.Start(ctx, labOptions(crds))
	if err != nil {
		return 1, err
	}
	defer func() { err = lab.Stop() }()
	lab.DataPlane.Simulation.Play(scripts.play)
	if admin, err = newClient(lab.ControlPlane.Config()); err != nil {
		return 1, err
	}
	return m.Run(), nil
}

func labOptions(crds []string) environment.Options {
	return environment.Options{
		CRDs: crds, Pace: acksim.Instant(), Hosts: hosts.Simulated, HealthPace: healthPace, Audit: true, Progress: os.Stderr,
	}
}

// healthPace makes load balancers check their targets ten times a second.
const healthPace = 0.01

func newClient(config *rest.Config) (client.Client, error) {
	scheme, err := controllers.Scheme()
	if err != nil {
		return nil, err
	}
	config.QPS = -1
	return client.New(config, client.Options{Scheme: scheme})
}
