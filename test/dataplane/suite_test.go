// Package dataplane runs stacks whose hosts are real: their user data installs the app, which reads its secrets with the
// host's role, uses a database over TLS, and serves through a load balancer. Tests look at it as its users do.
package dataplane

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

// lab is what all tests of this package share; each works in a namespace of its own.
var lab *environment.Environment

// admin sees and does everything, past all caches.
var admin client.Client

// The releases that hosts can fetch.
var first, second origin.Artifact

// firstFile is the program of the first release.
var firstFile string

// pace makes load balancers check a hundred times as often as in AWS.
const pace = 0.01

func TestMain(m *testing.M) {
	log.SetLogger(logr.Discard())
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "dataplane:", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Minute)
	defer cancel()
	folder, err := os.MkdirTemp("", "ums-dataplane-test-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(folder) //nolint:errcheck // a temporary folder
	crds, err := environment.CRDs("../..")
	if err != nil {
		return 1, err
	}
	lab, err = environment.Start(ctx, environment.Options{
		CRDs: crds, Pace: acksim.Instant(), Progress: os.Stderr, Hosts: hosts.Process, HealthPace: pace,
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
	if first, err = release(ctx, folder, "1.4.0"); err != nil {
		return 1, err
	}
	firstFile = programOf(folder, first.Version)
	if second, err = release(ctx, folder, "1.4.1"); err != nil {
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

// release builds the app as a release of it is built, and has it served.
func release(ctx context.Context, folder, version string) (origin.Artifact, error) {
	file := programOf(folder, version)
	build := exec.CommandContext(ctx, "go", "build", "-p", "2", "-trimpath", "-ldflags", "-s -w -X main.version="+version,
		"-o", file, "usermanagement.dev/stack/cmd/app")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return origin.Artifact{}, fmt.Errorf("build the app: %w: %s", err, out)
	}
	return lab.DataPlane.Releases.Add(version, runtime.GOARCH, file)
}

func programOf(folder, version string) string { return filepath.Join(folder, "app-"+version) }
