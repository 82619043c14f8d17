// Package controlplanetest gives tests a control plane: one for all tests of a package,
// started by the first that asks for it, or one of a test's own.
//
//	func TestMain(m *testing.M) {
//		os.Exit(controlplanetest.Run(m, controlplane.Options{Audit: true}))
//	}
//
//	func TestSomething(t *testing.T) {
//		cp := controlplanetest.Shared(t)
//		namespace := controlplanetest.Namespace(t, cp)
//		...
//	}
package controlplanetest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"

	"usermanagement.dev/stack/lab/controlplane"
	"usermanagement.dev/stack/lab/controlplane/binaries"
)

// shared is the control plane of the test binary; Run fills it.
var shared struct {
	start func() (*controlplane.ControlPlane, error)
}

// Run runs the tests of a package, then stops the control plane if a test has started
// it with Shared. It returns the exit code for os.Exit in TestMain. Progress, if not
// set, goes to stderr.
func Run(m *testing.M, opts controlplane.Options) int {
	if opts.Progress == nil {
		opts.Progress = os.Stderr
	}
	var started *controlplane.ControlPlane
	shared.start = sync.OnceValues(func() (*controlplane.ControlPlane, error) {
		cp, err := controlplane.Start(context.Background(), opts)
		started = cp
		return cp, err
	})
	code := m.Run()
	if started == nil {
		return code
	}
	if err := started.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, "stop the tests' control plane:", err)
		return max(code, 1)
	}
	return code
}

// Shared returns the control plane that all tests of the package share. The first call
// starts it, so that a run of tests that need none stays fast.
func Shared(t testing.TB) *controlplane.ControlPlane {
	t.Helper()
	if shared.start == nil {
		t.Fatal("no shared control plane: call controlplanetest.Run in this package's TestMain")
	}
	cp, err := shared.start()
	if err != nil {
		t.Fatal(err)
	}
	if err := cp.Err(); err != nil {
		t.Fatalf("the shared control plane has failed: %v", err)
	}
	return cp
}

// Start returns a control plane of the test's own, which ends with the test.
func Start(t testing.TB, opts controlplane.Options) *controlplane.ControlPlane {
	t.Helper()
	if opts.Progress == nil {
		opts.Progress = os.Stderr
	}
	cp, err := controlplane.Start(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cp.Stop(); err != nil {
			t.Errorf("stop the control plane: %v", err)
		}
	})
	return cp
}

// Namespace makes a new namespace for the test. It is left behind: only the controller
// manager could empty it.
func Namespace(t testing.TB, cp *controlplane.ControlPlane) string {
	t.Helper()
	client, err := corev1client.NewForConfig(cp.Config())
	if err != nil {
		t.Fatal(err)
	}
	made, err := client.Namespaces().Create(t.Context(), &corev1.Namespace{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "test-"},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatalf("make a namespace: %v", err)
	}
	return made.Name
}

// NeedControllerManager skips a test that needs kube-controller-manager where that was not built. The ordinary tests do
// without the minutes that it takes; CI builds it first.
func NeedControllerManager(t testing.TB) {
	t.Helper()
	cache, err := binaries.CacheDir()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(cache, string(binaries.ControllerManager))); err != nil {
		t.Skipf("kube-controller-manager takes minutes to build; run `make controlplane CONTROLLER_MANAGER=1` first (%v)", err)
	}
}
