// Package install installs the operator as its users do, by the Helm chart and by the kustomize base, on a real API
// server, and runs it there with the rights that it was given and no others.
package install

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"usermanagement.dev/stack/controllers"
	"usermanagement.dev/stack/lab/acksim"
	"usermanagement.dev/stack/lab/environment"
	"usermanagement.dev/stack/test/stacktest"
)

// Where the product is installed by default, and under which name.
const (
	release   = "user-management-stack"
	namespace = "ums-system"
	account   = "system:serviceaccount:" + namespace + ":" + release + "-manager"
)

// root is the repository's root, from this folder.
const root = "../.."

func TestMain(m *testing.M) {
	log.SetLogger(logr.Discard())
	os.Exit(run(m))
}

func run(m *testing.M) int {
	code := m.Run()
	if shared.lab == nil {
		return code
	}
	if err := shared.lab.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, "stop the lab:", err)
		return max(code, 1)
	}
	return code
}

// shared is the lab of all tests of this package, started by the first that asks for it.
var shared struct {
	once       sync.Once
	lab        *environment.Environment
	kubeconfig string
	err        error
}

// startTimeout bounds the start of the lab, a first build of its programs included.
const startTimeout = 20 * time.Minute

func lab(t testing.TB) *environment.Environment {
	t.Helper()
	shared.once.Do(func() { shared.lab, shared.kubeconfig, shared.err = startLab() })
	if shared.err != nil {
		t.Fatalf("start the lab: %v", shared.err)
	}
	return shared.lab
}

// startLab starts a lab that knows ACK's kinds and the Prometheus operator's, but not yet ours.
func startLab() (*environment.Environment, string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	definitions, err := environment.CRDs(root)
	if err != nil {
		return nil, "", err
	}
	monitoring, err := prometheusOperator(ctx)
	if err != nil {
		return nil, "", err
	}
	started, err := environment.Start(ctx, environment.Options{
		CRDs: append(definitions[1:], monitoring...), Pace: acksim.Instant(), Audit: true, Progress: os.Stderr,
	})
	if err != nil {
		return nil, "", err
	}
	kubeconfig := filepath.Join(started.ControlPlane.DataDir(), "admin.kubeconfig")
	return started, kubeconfig, started.ControlPlane.WriteKubeconfig(kubeconfig)
}

// admin sees and does everything, past all caches.
func admin(t testing.TB) client.Client {
	t.Helper()
	return as(t, "an administrator", "system:masters")
}

// as is a client of a user who may do what RBAC says.
func as(t testing.TB, user string, groups ...string) client.Client {
	t.Helper()
	config, err := lab(t).ControlPlane.UserConfig(user, groups...)
	if err != nil {
		t.Fatalf("make the credentials of %s: %v", user, err)
	}
	scheme, err := controllers.Scheme()
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		t.Fatalf("make the client of %s: %v", user, err)
	}
	return c
}

// eventually waits until something holds, and says what it was last otherwise.
func eventually(t testing.TB, what string, holds func() (bool, string)) {
	t.Helper()
	const limit = 2 * time.Minute
	stacktest.Until(t, limit, what, holds)
}
