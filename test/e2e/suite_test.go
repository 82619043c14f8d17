// Package e2e runs a stack as near to AWS as one Linux machine comes: hosts are machines that boot their user data with
// cloud-init and systemd, in a network of namespaces in which packets go where security groups, route tables and gateways
// let them. `make e2e` runs it, as root.
package e2e

import (
	"context"
	"fmt"
	"os"
	"testing"

	"usermanagement.dev/stack/lab/acksim"
	"usermanagement.dev/stack/lab/environment"
	"usermanagement.dev/stack/lab/hosts"
	"usermanagement.dev/stack/lab/origin"
	"usermanagement.dev/stack/test/stacktest"
)

// wanted is the variable that has these tests run; `make e2e` sets it.
const wanted = "UMS_E2E"

var (
	// lab is what all tests of this package share.
	lab *stacktest.Lab
	// The releases that hosts can fetch. They run the first until a test releases the second.
	first, second origin.Artifact
)

// pace makes load balancers check twenty times as often as in AWS.
const pace = 0.05

func TestMain(m *testing.M) {
	if os.Getenv(wanted) == "" {
		fmt.Fprintln(os.Stderr, "e2e: skipped, because", wanted, "is not set: `make e2e` runs these tests, as root")
		return
	}
	options := environment.Options{Pace: acksim.Instant(), Hosts: hosts.Nspawn, HealthPace: pace}
	stacktest.Main(m, options, func(ctx context.Context, started *stacktest.Lab) (err error) {
		lab = started
		first, second, err = lab.BuildReleases(ctx)
		return err
	})
}
