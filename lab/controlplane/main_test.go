package controlplane_test

import (
	"fmt"
	"os"
	"testing"

	"usermanagement.dev/stack/lab/controlplane"
	"usermanagement.dev/stack/lab/controlplane/controlplanetest"
)

// parentVariable makes the test binary a program that starts a control plane, for the
// test that kills it.
const parentVariable = "CONTROLPLANE_TEST_PARENT"

func TestMain(m *testing.M) {
	if dir := os.Getenv(parentVariable); dir != "" {
		if err := runParent(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(controlplanetest.Run(m, controlplane.Options{Audit: true}))
}
