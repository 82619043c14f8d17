package binaries

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"usermanagement.dev/stack/lab/internal/process"
)

const (
	fetchModule = "setup-envtest"
	// fetchHost serves the index of the binaries that setup-envtest knows.
	fetchHost = "raw.githubusercontent.com"
	// reachLimit bounds the look whether there is a network at all.
	reachLimit = 3 * time.Second
	// fetchLimit bounds the whole download, about 70 MB.
	fetchLimit = 3 * time.Minute
)

// fetch gets ready-made binaries of the same minor version (not every patch release is
// published) by the pinned setup-envtest, which checks their SHA-512.
func (l Locator) fetch(ctx context.Context, stage, dir string) error {
	if err := reachable(ctx, fetchHost); err != nil {
		return fmt.Errorf("setup-envtest has no network: %w", err)
	}
	return l.download(ctx, stage, dir)
}

func (l Locator) download(ctx context.Context, stage, dir string) error {
	tools, err := toolsDir()
	if err != nil {
		return err
	}
	l.say("fetching etcd and kube-apiserver with setup-envtest, about a minute, once")
	ctx, cancel := context.WithTimeoutCause(ctx, fetchLimit, fmt.Errorf("not done after %s", fetchLimit))
	defer cancel()
	if err := process.Run(ctx, process.Spec{
		Name:    fetchModule,
		Path:    "go",
		Args:    []string{"tool", fetchModule, "use", minorVersion() + ".x", "--bin-dir", stage},
		Dir:     filepath.Join(tools, fetchModule),
		Env:     []string{"GOWORK=off"},
		LogPath: filepath.Join(stage, fetchModule+".log"),
	}); err != nil {
		return err
	}
	return installFetched(stage, dir)
}

// installFetched moves what setup-envtest has unpacked, <stage>/k8s/<version>/<program>.
func installFetched(stage, dir string) error {
	for _, c := range []Component{Etcd, APIServer, kubectl} {
		files, err := filepath.Glob(filepath.Join(stage, "k8s", "*", string(c)))
		if err != nil || len(files) != 1 {
			return errors.Join(fmt.Errorf("setup-envtest left %d files called %s, want one", len(files), c), err)
		}
		if err := install(files[0], dir, c); err != nil {
			return err
		}
	}
	return nil
}

// reachable fails fast where a download could only time out. Behind a proxy it is the
// proxy that has to be reached.
func reachable(ctx context.Context, host string) error {
	target := net.JoinHostPort(host, "443")
	proxy, err := http.ProxyFromEnvironment(&http.Request{URL: &url.URL{Scheme: "https", Host: host}})
	if err != nil {
		return fmt.Errorf("read the proxy settings: %w", err)
	}
	if proxy != nil {
		return nil
	}
	conn, err := (&net.Dialer{Timeout: reachLimit}).DialContext(ctx, "tcp", target)
	if err != nil {
		return err
	}
	return conn.Close()
}

// minorVersion is KubernetesVersion without the v and the patch, for example "1.36".
func minorVersion() string {
	v := strings.TrimPrefix(KubernetesVersion, "v")
	return v[:strings.LastIndex(v, ".")]
}
