package binaries

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"usermanagement.dev/stack/lab/internal/process"
)

const (
	sourceModule = "controlplane"
	// buildLimit bounds the build of one program, download of its modules included.
	buildLimit = 30 * time.Minute
	// buildNews is how often a running build is reported.
	buildNews = 30 * time.Second
)

// source says how to build a program from the module hack/tools/controlplane.
type source struct {
	pkg      string
	estimate string // on two cores, with the modules downloaded
}

var sources = map[Component]source{
	Etcd:              {"go.etcd.io/etcd/server/v3", "1 minute"},
	APIServer:         {"k8s.io/kubernetes/cmd/kube-apiserver", "4 minutes"},
	ControllerManager: {"k8s.io/kubernetes/cmd/kube-controller-manager", "3 minutes"},
}

// build compiles one program and puts it into the cache.
func (l Locator) build(ctx context.Context, stage, dir string, c Component) error {
	src, ok := sources[c]
	if !ok {
		return fmt.Errorf("%s cannot be built here: put it into PATH", c)
	}
	tools, err := toolsDir()
	if err != nil {
		return err
	}
	goTool, err := exec.LookPath("go")
	if err != nil {
		return fmt.Errorf("building %s needs Go: install it (https://go.dev/doc/install), "+
			"or set %s to a directory of ready-made binaries: %w", c, AssetsVariable, err)
	}
	l.say("building %s %s from Go modules, about %s, once", c, versionOf(c), src.estimate)
	begin := time.Now()
	defer l.reportEvery(begin, c)()

	ctx, cancel := context.WithTimeoutCause(ctx, buildLimit, fmt.Errorf("not done after %s", buildLimit))
	defer cancel()
	err = process.Run(ctx, process.Spec{
		Name:    "go build of " + string(c),
		Path:    goTool,
		Args:    buildArgs(filepath.Join(stage, string(c)), src.pkg),
		Dir:     filepath.Join(tools, sourceModule),
		Env:     []string{"GOWORK=off", "CGO_ENABLED=0", "GOOS=" + runtime.GOOS, "GOARCH=" + runtime.GOARCH},
		LogPath: filepath.Join(stage, string(c)+".log"),
	})
	if errors.Is(err, context.Canceled) {
		return fmt.Errorf("%w (what was compiled so far is kept in Go's build cache)", err)
	}
	if err != nil {
		return err
	}
	l.say("built %s in %s", c, time.Since(begin).Round(time.Second))
	return install(filepath.Join(stage, string(c)), dir, c)
}

// versionOf is what the progress line calls the version; etcd has one of its own,
// which is the one that Kubernetes asks for.
func versionOf(c Component) string {
	if c == Etcd {
		return "for Kubernetes " + KubernetesVersion
	}
	return KubernetesVersion
}

func buildArgs(output, pkg string) []string {
	return []string{
		"build", "-mod=readonly", "-trimpath", "-buildvcs=false",
		"-ldflags", versionFlags(), "-o", output, pkg,
	}
}

// versionFlags makes the programs report the version they were built from, as
// Kubernetes' own build does; without them /version says v0.0.0.
func versionFlags() string {
	const pkg = "k8s.io/component-base/version"
	major, minor, _ := strings.Cut(minorVersion(), ".")
	values := [][2]string{
		{"gitVersion", KubernetesVersion},
		{"gitMajor", major},
		{"gitMinor", minor},
		{"gitTreeState", "archive"},
	}
	var flags strings.Builder
	flags.WriteString("-s -w")
	for _, v := range values {
		fmt.Fprintf(&flags, " -X %s.%s=%s", pkg, v[0], v[1])
	}
	return flags.String()
}

// reportEvery tells now and then that a long build is still at work; the returned
// function ends that.
func (l Locator) reportEvery(begin time.Time, c Component) (stop func()) {
	done := make(chan struct{})
	go func() {
		ticker := time.NewTicker(buildNews)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				l.say("still building %s (%s)", c, time.Since(begin).Round(time.Second))
			case <-done:
				return
			}
		}
	}()
	return func() { close(done) }
}
