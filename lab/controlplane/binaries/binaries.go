// Package binaries finds the programs of the lab's control plane on this machine, or
// gets them: from KUBEBUILDER_ASSETS, from the project's cache, by setup-envtest, or
// built from their Go modules. What was fetched or built is cached for the next time.
package binaries

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// KubernetesVersion is the version of Kubernetes that the lab runs. It equals the
// version of k8s.io/kubernetes in hack/tools/controlplane/go.mod.
const KubernetesVersion = "v1.36.3"

// AssetsVariable names the environment variable that points to a directory of
// ready-made binaries, as kubebuilder and envtest use it.
const AssetsVariable = "KUBEBUILDER_ASSETS"

// Component is a program of the control plane, by its file name.
type Component string

// The programs that the lab can run.
const (
	Etcd              Component = "etcd"
	APIServer         Component = "kube-apiserver"
	ControllerManager Component = "kube-controller-manager"
)

// kubectl comes along with what setup-envtest fetches; it is never built.
const kubectl Component = "kubectl"

// Set holds the file of each program that was asked for.
type Set map[Component]string

// Locator finds or gets programs. Its zero value is ready to use.
type Locator struct {
	// Progress gets a line for whatever takes long; nil keeps silent.
	Progress io.Writer
	// FromSource skips setup-envtest, for who wants no ready-made binaries.
	FromSource bool
}

// Locate returns the files of the named programs and, where they are not on this
// machine yet, fetches or builds them, which can take minutes the first time.
func (l Locator) Locate(ctx context.Context, components ...Component) (Set, error) {
	found, err := fromAssets(os.Getenv(AssetsVariable), components)
	if err != nil {
		return nil, err
	}
	dir, err := CacheDir()
	if err != nil {
		return nil, err
	}
	found.addFrom(dir, components)
	if missing := found.missing(components); len(missing) > 0 {
		if err := l.fill(ctx, dir, missing); err != nil {
			return nil, fmt.Errorf("get %s of Kubernetes %s: %w", names(missing), KubernetesVersion, err)
		}
		found.addFrom(dir, components)
	}
	if missing := found.missing(components); len(missing) > 0 {
		return nil, fmt.Errorf("%s not in %s after it was fetched or built", names(missing), dir)
	}
	return found, nil
}

// fromAssets takes the programs from the directory that KUBEBUILDER_ASSETS names. Who
// sets it wants exactly those, so a missing one is an error and not a reason to build.
// Only the controller manager, which no such directory holds, may be missing.
func fromAssets(dir string, components []Component) (Set, error) {
	found := Set{}
	if dir == "" {
		return found, nil
	}
	found.addFrom(dir, components)
	missing := slices.DeleteFunc(found.missing(components), func(c Component) bool { return c == ControllerManager })
	if len(missing) > 0 {
		return nil, fmt.Errorf("%s=%s holds no executable %s: put it there, or unset %s to let the lab fetch or build its own",
			AssetsVariable, dir, names(missing), AssetsVariable)
	}
	return found, nil
}

// CacheDir is the directory of the programs that the lab has fetched or built for this
// version of Kubernetes and this kind of machine.
func CacheDir() (string, error) {
	root := os.Getenv("XDG_CACHE_HOME")
	if root == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("find a cache directory (set XDG_CACHE_HOME or HOME): %w", err)
		}
		root = filepath.Join(home, ".cache")
	}
	key := fmt.Sprintf("%s-%s-%s", KubernetesVersion, runtime.GOOS, runtime.GOARCH)
	return filepath.Join(root, "user-management-stack", "controlplane", key), nil
}

// Kubectl returns a kubectl from PATH or from the cache; ok says whether there is one.
func Kubectl() (path string, ok bool) {
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		if file := filepath.Join(dir, string(kubectl)); isProgram(file) {
			return file, true
		}
	}
	dir, err := CacheDir()
	file := filepath.Join(dir, string(kubectl))
	return file, err == nil && isProgram(file)
}

func (s Set) addFrom(dir string, components []Component) {
	for _, c := range s.missing(components) {
		if file := filepath.Join(dir, string(c)); isProgram(file) {
			s[c] = file
		}
	}
}

func (s Set) missing(components []Component) []Component {
	var missing []Component
	for _, c := range components {
		if s[c] == "" {
			missing = append(missing, c)
		}
	}
	return missing
}

func isProgram(path string) bool {
	info, err := os.Stat(path)
	if err != nil {
		return false
	}
	return info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

func names(components []Component) string {
	parts := make([]string, len(components))
	for i, c := range components {
		parts[i] = string(c)
	}
	return strings.Join(parts, ", ")
}

// toolsDir finds hack/tools, which holds the modules to build from, in the checkout that
// the working directory is in.
func toolsDir() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find hack/tools: %w", err)
	}
	for {
		tools := filepath.Join(dir, "hack", "tools")
		_, err := os.Stat(filepath.Join(tools, sourceModule, "go.mod"))
		if err == nil {
			return tools, nil
		}
		parent := filepath.Dir(dir)
		if !errors.Is(err, fs.ErrNotExist) || parent == dir {
			return "", fmt.Errorf("no hack/tools/%s above the working directory: run `make controlplane` in a checkout once, or set %s",
				sourceModule, AssetsVariable)
		}
		dir = parent
	}
}

func (l Locator) say(format string, args ...any) {
	if l.Progress != nil {
		_, _ = fmt.Fprintf(l.Progress, "control plane: "+format+"\n", args...)
	}
}
