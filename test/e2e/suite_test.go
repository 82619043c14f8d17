// Package e2e runs a stack as near to AWS as one Linux machine comes: hosts are machines that boot their user data with
// cloud-init and systemd, in a network of namespaces in which packets go where security groups, route tables and gateways
// let them. `make e2e` runs it, as root.
package e2e

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"usermanagement.dev/stack/controllers"
	"usermanagement.dev/stack/lab/acksim"
	"usermanagement.dev/stack/lab/environment"
	"usermanagement.dev/stack/lab/hosts"
	"usermanagement.dev/stack/lab/origin"
)

// wanted is the variable that has these tests run; `make e2e` sets it.
const wanted = "UMS_E2E"

var (
	// lab is what all tests of this package share.
	lab *environment.Environment
	// admin sees and does everything, past all caches.
	admin client.Client
	// release is what hosts run.
	release origin.Artifact
	// folder holds what tests make, for the time of the run.
	folder string
)

// pace makes load balancers check twenty times as often as in AWS.
const pace = 0.05

func TestMain(m *testing.M) {
	log.SetLogger(logr.Discard())
	if os.Getenv(wanted) == "" {
		fmt.Fprintln(os.Stderr, "e2e: skipped, because", wanted, "is not set: `make e2e` runs these tests, as root")
		return
	}
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 45*time.Minute)
	defer cancel()
	if folder, err = os.MkdirTemp("", "ums-e2e-"); err != nil {
		return 1, err
	}
	defer os.RemoveAll(folder) //nolint:errcheck // a temporary folder
	crds, err := environment.CRDs("../..")
	if err != nil {
		return 1, err
	}
	lab, err = environment.Start(ctx, environment.Options{
		CRDs: crds, Pace: acksim.Instant(), Progress: os.Stderr, Hosts: hosts.Nspawn, HealthPace: pace,
		HostsDir: filepath.Join(folder, "hosts"),
		Log:      slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})),
	})
	if err != nil {
		return 1, err
	}
	defer func() {
		if stopped := lab.Stop(); err == nil {
			err = stopped
		}
	}()
	if release, err = buildApp(ctx, "1.4.0"); err != nil {
		return 1, err
	}
	scheme, err := controllers.Scheme()
	if err != nil {
		return 1, err
	}
	config := lab.ControlPlane.Config()
	config.QPS = -1
	if admin, err = client.New(config, client.Options{Scheme: scheme}); err != nil {
		return 1, err
	}
	return m.Run(), nil
}

// buildApp makes the app as a release of it is made, and has it served.
func buildApp(ctx context.Context, version string) (origin.Artifact, error) {
	file := filepath.Join(folder, "app-"+version)
	cmd := exec.CommandContext(ctx, "go", "build", "-p", "2", "-trimpath", "-ldflags", "-s -w -X main.version="+version, "-o", file,
		"usermanagement.dev/stack/cmd/app")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return origin.Artifact{}, fmt.Errorf("build the app: %w: %s", err, out)
	}
	return lab.DataPlane.Releases.Add(version, runtime.GOARCH, file)
}
