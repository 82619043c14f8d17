package compat

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"usermanagement.dev/stack/internal/hostcontract"
	"usermanagement.dev/stack/lab/database"
	"usermanagement.dev/stack/lab/loopback/loopbacktest"
)

const (
	// envPrevious and envNew name the two binaries; `make app-compat` sets them.
	envPrevious = "UMS_COMPAT_PREVIOUS_APP"
	envNew      = "UMS_COMPAT_NEW_APP"

	site          = "https://users.example.org"
	setupSecret   = "setup-secret-for-tests"
	encryptionKey = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
	// waitBound bounds every wait. It is no measure: a busy machine is slow.
	waitBound = 2 * time.Minute
)

// stage is one database and the releases that are put upon it.
type stage struct {
	db            *database.Server
	previous, new string
}

// newStage skips the test where there is no release to compare with.
func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{previous: os.Getenv(envPrevious), new: os.Getenv(envNew)}
	if s.previous == "" || s.new == "" {
		t.Skipf("%s and %s name no binaries of two releases: `make app-compat` builds them and runs this", envPrevious, envNew)
	}
	db, err := database.Start(context.Background(), database.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Stop() })
	if err := db.CreateDatabase(context.Background(), "ums"); err != nil {
		t.Fatal(err)
	}
	s.db = db
	return s
}

// command is a binary with the settings that all hosts of the stage share.
func (s *stage) command(ctx context.Context, binary, listen string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Env = []string{
		hostcontract.EnvDatabaseURL + "=" + s.db.URL("ums"), hostcontract.EnvPublicURL + "=" + site,
		hostcontract.EnvSetupSecret + "=" + setupSecret, hostcontract.EnvEncryptionKey + "=" + encryptionKey,
		hostcontract.EnvListen + "=" + listen, hostcontract.EnvHostID + "=" + listen, hostcontract.EnvDrain + "=5s",
		"UMS_ARGON2=m=64,t=1,p=1",
	}
	return cmd
}

// host is one release's app, serving.
type host struct {
	t      *testing.T
	name   string
	listen string
	cmd    *exec.Cmd
	log    *logBuffer
}

// logBuffer is written by a process while the test reads.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// launch starts a host and does not wait for it.
func (s *stage) launch(t *testing.T, binary, name string) *host {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	h := &host{t: t, name: name, listen: loopbacktest.Address(t), log: &logBuffer{}}
	h.cmd = s.command(ctx, binary, h.listen, "serve")
	h.cmd.Stdout, h.cmd.Stderr = h.log, h.log
	if err := h.cmd.Start(); err != nil {
		cancel()
		t.Fatalf("start the %s release: %v", name, err)
	}
	t.Cleanup(func() {
		cancel()
		if h.cmd.ProcessState == nil {
			_ = h.cmd.Wait()
		}
		h.logsNoFault()
		if t.Failed() {
			t.Logf("what the %s release says beside its requests:\n%s", name, h.remarks())
		}
	})
	return h
}

// start starts a host and waits until a load balancer would send requests to it.
func (s *stage) start(t *testing.T, binary, name string) *host {
	t.Helper()
	h := s.launch(t, binary, name)
	h.becomes(hostcontract.StatusOK)
	return h
}

// terminate asks the host to end, as systemd does.
func (h *host) terminate() {
	h.t.Helper()
	if err := h.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		h.t.Fatal(err)
	}
}

// ended waits until the host is gone.
func (h *host) ended() {
	h.t.Helper()
	if err := h.cmd.Wait(); err != nil {
		h.t.Errorf("the %s release, asked to stop, ended with %v", h.name, err)
	}
}

// becomes waits until /health says so.
func (h *host) becomes(want hostcontract.Status) {
	h.t.Helper()
	await(h.t, "the "+h.name+" release is "+string(want), func() bool { return h.health() == want })
}

// health is what /health says, or nothing if nobody answers.
func (h *host) health() hostcontract.Status {
	ctx, cancel := context.WithTimeout(context.Background(), waitBound)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+h.listen+hostcontract.HealthPath, http.NoBody)
	if err != nil {
		return ""
	}
	res, err := direct.RoundTrip(req)
	if err != nil {
		return ""
	}
	defer func() { _ = res.Body.Close() }()
	var doc hostcontract.Health
	if err := json.NewDecoder(res.Body).Decode(&doc); err != nil {
		return ""
	}
	return doc.Status
}

// logsNoFault fails the test for whatever the host itself calls an error, seen by a client or not.
func (h *host) logsNoFault() {
	for line := range strings.Lines(h.log.String()) {
		if strings.Contains(line, `"level":"ERROR"`) || strings.Contains(line, "panic") {
			h.t.Errorf("the %s release logs a fault: %s", h.name, line)
		}
	}
}

// remarks is the log without a line for each request.
func (h *host) remarks() string {
	var kept strings.Builder
	for line := range strings.Lines(h.log.String()) {
		if !strings.Contains(line, `"msg":"request"`) {
			kept.WriteString(line)
		}
	}
	return kept.String()
}

// await waits until a condition holds, with a bound.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.NewTimer(waitBound)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-deadline.C:
			t.Fatalf("in vain: %s", what)
		case <-tick.C:
		}
	}
}
