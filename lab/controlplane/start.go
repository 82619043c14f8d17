package controlplane

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"

	"usermanagement.dev/stack/lab/controlplane/binaries"
	"usermanagement.dev/stack/lab/internal/process"
	"usermanagement.dev/stack/lab/loopback"
)

const (
	// startLimit bounds the wait until a started API server is ready; a loaded machine
	// with one core takes some 15 s.
	startLimit = 90 * time.Second
	readyPoll  = 50 * time.Millisecond
	// portTries is how often another port is tried when somebody took the chosen one.
	portTries = 5
	// logTail is how many lines of a program's log an error shows.
	logTail = 15
)

// errPortTaken says that somebody else has bound the port meanwhile.
var errPortTaken = errors.New("port is taken")

// startAPIServer starts kube-apiserver and waits until it is ready. Between the choice
// of a free port and its use somebody else can take it; then another one is tried.
func (cp *ControlPlane) startAPIServer(ctx context.Context, etcd *process.Process) (*process.Process, error) {
	if err := cp.writeAuditPolicy(); err != nil {
		return nil, err
	}
	for try := 1; ; try++ {
		port, err := cp.choosePort(ctx, try)
		if err != nil {
			return nil, err
		}
		if err := cp.usePort(port); err != nil {
			return nil, err
		}
		apiServer, err := cp.run(binaries.APIServer, apiServerArgs(cp.layout, port, cp.opts))
		if err != nil {
			return nil, err
		}
		err = cp.waitReady(ctx, etcd, apiServer)
		if err == nil {
			return apiServer, nil
		}
		if !errors.Is(err, errPortTaken) || cp.opts.Port != 0 || try == portTries {
			return nil, err
		}
		cp.forget(apiServer)
	}
}

func (cp *ControlPlane) forget(p *process.Process) {
	cp.mu.Lock()
	defer cp.mu.Unlock()
	cp.running = slices.DeleteFunc(cp.running, func(r *process.Process) bool { return r == p })
}

func (cp *ControlPlane) choosePort(ctx context.Context, try int) (int, error) {
	if wanted := cp.opts.Port; wanted != 0 {
		if !portIsFree(wanted) {
			return 0, fmt.Errorf("port %d on 127.0.0.1 is in use or not allowed: choose another one, or 0 for any", wanted)
		}
		return wanted, nil
	}
	if last := cp.layout.lastPort(); last != 0 && try == 1 {
		return last, nil
	}
	return loopback.FreePort(ctx)
}

// usePort makes the configuration of the admin, with which readiness is asked for.
func (cp *ControlPlane) usePort(port int) error {
	cp.port = port
	admin, err := cp.UserConfig(adminUser, "system:masters")
	if err != nil {
		return err
	}
	cp.admin = admin
	return nil
}

// waitReady waits until the API server is ready and has made the namespace "default",
// which it does a moment later.
func (cp *ControlPlane) waitReady(ctx context.Context, etcd, apiServer *process.Process) error {
	client, err := rest.HTTPClientFor(cp.admin)
	if err != nil {
		return fmt.Errorf("make a client for the API server: %w", err)
	}
	defer client.CloseIdleConnections()
	last := errors.New("it was not asked yet")
	err = wait.PollUntilContextTimeout(ctx, readyPoll, startLimit, true, func(ctx context.Context) (bool, error) {
		if err := firstDead(etcd, apiServer); err != nil {
			return false, err
		}
		last = serves(ctx, client, cp.admin.Host)
		return last == nil, nil
	})
	if wait.Interrupted(err) {
		return fmt.Errorf("kube-apiserver was not ready in time (%w): %w; the end of its log:\n%s\nand of etcd's:\n%s",
			err, last, apiServer.Tail(logTail), etcd.Tail(logTail))
	}
	return err
}

// serves returns what an API server does not answer yet.
func serves(ctx context.Context, client *http.Client, host string) error {
	for _, path := range []string{"/readyz", "/api/v1/namespaces/default"} {
		if err := get(ctx, client, host+path); err != nil {
			return err
		}
	}
	return nil
}

// firstDead returns why etcd or the API server has ended, if one has.
func firstDead(etcd, apiServer *process.Process) error {
	select {
	case <-etcd.Done():
		return died(etcd, binaries.Etcd)
	case <-apiServer.Done():
		err := died(apiServer, binaries.APIServer)
		if strings.Contains(apiServer.Tail(logTail), "address already in use") {
			return fmt.Errorf("%w: %w", errPortTaken, err)
		}
		return err
	default:
		return nil
	}
}

func get(ctx context.Context, client *http.Client, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close() //nolint:errcheck // only read
	if response.StatusCode == http.StatusOK {
		return nil
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, 4<<10))
	if err != nil {
		return fmt.Errorf("%s: %s: %w", url, response.Status, err)
	}
	return fmt.Errorf("%s: %s: %s", url, response.Status, strings.TrimSpace(string(body)))
}

func (cp *ControlPlane) writeAuditPolicy() error {
	if !cp.opts.Audit {
		return nil
	}
	if err := os.WriteFile(cp.layout.path("audit-policy.yaml"), []byte(auditPolicy), 0o600); err != nil {
		return fmt.Errorf("write the audit policy: %w", err)
	}
	// What an earlier run has logged would be counted again.
	if err := os.WriteFile(cp.layout.auditLog(), nil, 0o600); err != nil {
		return fmt.Errorf("empty the audit log: %w", err)
	}
	return nil
}
