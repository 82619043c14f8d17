package acksim_test

import (
	"os"
	"sync"
	"testing"

	"k8s.io/client-go/rest"

	"usermanagement.dev/stack/lab/controlplane"
	"usermanagement.dev/stack/lab/controlplane/controlplanetest"
)

func TestMain(m *testing.M) {
	os.Exit(controlplanetest.Run(m, controlplane.Options{}))
}

var definitions struct {
	once sync.Once
	err  error
}

// cluster is the shared control plane with ACK's definitions installed.
func cluster(t testing.TB) *rest.Config {
	t.Helper()
	cp := controlplanetest.Shared(t)
	files := definitionFiles(t) // outside: a test that ends in there would have the next go on without definitions, and wait for ever
	definitions.once.Do(func() {
		definitions.err = controlplane.InstallCRDs(t.Context(), cp.Config(), files...)
	})
	if definitions.err != nil {
		t.Fatal(definitions.err)
	}
	return cp.Config()
}
