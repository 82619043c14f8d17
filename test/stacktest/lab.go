// Package stacktest is what tests of whole stacks have in common: a lab that the tests of a package share, an operator and
// stacks in it, people at browsers, and load.
package stacktest

import (
	"context"
	"errors"
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
	"usermanagement.dev/stack/lab/environment"
	"usermanagement.dev/stack/lab/origin"
	"usermanagement.dev/stack/lab/scratch"
)

// Root is the repository's root, from the folder of a test below test/.
const Root = "../.."

// startTimeout bounds the start of a lab, a first build of its programs included, and what is made in it before the tests.
const startTimeout = 20 * time.Minute

// Lab is a running lab.
type Lab struct {
	*environment.Environment
	// Admin sees and does everything, past all caches.
	Admin client.Client

	folder *scratch.Folder
}

// Main is the body of a TestMain: it starts a lab, has prepare make what all tests need, runs the tests, and ends the process
// with their exit code.
func Main(m *testing.M, o environment.Options, prepare func(context.Context, *Lab) error) {
	log.SetLogger(logr.Discard())
	code, err := run(m, o, prepare)
	if err != nil {
		fmt.Fprintln(os.Stderr, "the tests' lab:", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M, o environment.Options, prepare func(context.Context, *Lab) error) (code int, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	l, err := Start(ctx, o)
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, l.Stop()) }()
	if err := prepare(ctx, l); err != nil {
		return 1, err
	}
	return m.Run(), nil
}

// Start starts a lab, with the definitions of this checkout unless the options name others. What takes long and what goes
// wrong in it is told on stderr.
func Start(ctx context.Context, o environment.Options) (*Lab, error) {
	var err error
	if o.CRDs == nil {
		if o.CRDs, err = environment.CRDs(Root); err != nil {
			return nil, err
		}
	}
	o.Progress = os.Stderr
	o.Log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	started, err := environment.Start(ctx, o)
	if err != nil {
		return nil, err
	}
	l := &Lab{Environment: started}
	if err := l.equip(); err != nil {
		return nil, errors.Join(err, l.Stop())
	}
	return l, nil
}

// equip makes what tests have beside the lab itself.
func (l *Lab) equip() error {
	scheme, err := controllers.Scheme()
	if err != nil {
		return err
	}
	config := l.ControlPlane.Config()
	config.QPS = -1
	if l.Admin, err = client.New(config, client.Options{Scheme: scheme}); err != nil {
		return fmt.Errorf("make the tests' client: %w", err)
	}
	l.folder, err = scratch.New("test")
	return err
}

// Stop ends the lab; nothing of it is left.
func (l *Lab) Stop() error { return errors.Join(l.Environment.Stop(), l.folder.Remove()) }

// File is a path in a folder that lasts as long as the lab.
func (l *Lab) File(name string) string { return filepath.Join(l.folder.Path, name) }

// Console is what an instance has said: what is on its console, and in its journal where that is one.
func (l *Lab) Console(instanceID string) string {
	text, err := os.ReadFile(filepath.Join(l.DataPlane.Dir(), instanceID, "console.log"))
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// The versions of the releases that are built.
const firstVersion, secondVersion = "1.4.0", "1.4.1"

// BuildReleases builds two releases of the app that differ in their version, and has them served.
func (l *Lab) BuildReleases(ctx context.Context) (first, second origin.Artifact, err error) {
	if first, err = l.buildRelease(ctx, firstVersion); err == nil {
		second, err = l.buildRelease(ctx, secondVersion)
	}
	return first, second, err
}

// buildRelease builds the app as a release of it is built.
func (l *Lab) buildRelease(ctx context.Context, version string) (origin.Artifact, error) {
	//nolint:gosec // a test's own version
	build := exec.CommandContext(ctx, "go", "build", "-p", "2", "-trimpath", "-ldflags", "-s -w -X main.version="+version,
		"-o", l.Program(version), "usermanagement.dev/stack/cmd/app")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return origin.Artifact{}, fmt.Errorf("build the app: %w: %s", err, out)
	}
	return l.DataPlane.Releases.Add(version, runtime.GOARCH, l.Program(version))
}

// Program is the file of a release that was built.
func (l *Lab) Program(version string) string { return l.File("app-" + version) }
