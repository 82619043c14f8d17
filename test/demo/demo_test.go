// Package demo runs the built demo as a person would, and looks at what it shows and what it leaves behind.
package demo

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience bounds a run; a first one may have to build the control plane.
const patience = 15 * time.Minute

// run is one running demo.
type run struct {
	command *exec.Cmd
	state   string
	out     *output
	ended   chan struct{}
	err     error // how it ended
}

// output can be read while it is written.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// start runs the demo without AWS's latency, in a state folder of its own.
func start(t *testing.T, args ...string) *run {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(root, "bin", "lab")); err != nil {
		t.Fatalf("%v; make demo-test builds what this needs", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	r := &run{state: filepath.Join(t.TempDir(), "a state"), out: &output{}, ended: make(chan struct{})}
	args = append([]string{"demo", "--root", root, "--state-dir", r.state, "--latency", "zero"}, args...)
	r.command = exec.CommandContext(ctx, filepath.Join(root, "bin", "lab"), args...)
	r.command.Stdout, r.command.Stderr = r.out, r.out
	r.command.Cancel = func() error { return r.command.Process.Signal(syscall.SIGTERM) }
	r.command.WaitDelay = time.Minute
	if err := r.command.Start(); err != nil {
		cancel()
		t.Fatal(err)
	}
	go func() {
		r.err = r.command.Wait()
		close(r.ended)
	}()
	t.Cleanup(func() {
		cancel()
		<-r.ended
	})
	return r
}

// exit waits for the end and returns the exit code.
func (r *run) exit(t *testing.T) int {
	t.Helper()
	<-r.ended
	var failed *exec.ExitError
	if r.err != nil && !errors.As(r.err, &failed) {
		t.Fatalf("%v\n%s", r.err, r.out)
	}
	return r.command.ProcessState.ExitCode()
}

// await waits until the output says something.
func (r *run) await(t *testing.T, what string) {
	t.Helper()
	r.until(t, "it says "+what, func() bool { return strings.Contains(r.out.String(), what) })
}

// until waits until something holds, or fails the test as soon as the demo has ended.
func (r *run) until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(patience)
	for !holds() {
		select {
		case <-r.ended:
			if holds() {
				return // the last that it did
			}
			t.Fatalf("it has ended (%v) before %s:\n%s", r.command.ProcessState, what, r.out)
		case <-deadline:
			t.Fatalf("waited in vain until %s:\n%s", what, r.out)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// nothingLeft fails if there is a folder of the demo's, or a process with one among its arguments or as its own.
func (r *run) nothingLeft(t *testing.T) {
	t.Helper()
	if left, _ := filepath.Glob(filepath.Join(r.state, "[0-9]*")); len(left) > 0 {
		t.Errorf("folders are left: %v", left)
	}
	processes, err := filepath.Glob("/proc/[0-9]*")
	if err != nil || len(processes) == 0 {
		t.Fatalf("no process can be seen: %v", err)
	}
	for _, process := range processes {
		cwd, _ := os.Readlink(filepath.Join(process, "cwd"))
		arguments, _ := os.ReadFile(filepath.Join(process, "cmdline"))
		if strings.HasPrefix(cwd, r.state) || bytes.Contains(arguments, []byte(r.state)) {
			t.Errorf("a process is left: %s, in %s", bytes.ReplaceAll(arguments, []byte{0}, []byte{' '}), cwd)
		}
	}
}

func TestOnceShowsAReadyStack(t *testing.T) {
	r := start(t, "--once")
	if code := r.exit(t); code != 0 {
		t.Fatalf("exit code %d:\n%s", code, r.out)
	}
	for _, want := range []string{
		"✓ control plane", "✓ Helm chart", "✓ operator", "rights of ums-system/", "applied config/samples/production.yaml",
		"hostedZoneID is replaced", "its domain is users.example.localhost", "its release is 1.4.0", "38/38",
		"UserManagementStack default/production", "✓ listener-https", "✓ host-us-east-2b-0",
		"✓ the site answers: https://users.example.localhost:",
	} {
		if !strings.Contains(r.out.String(), want) {
			t.Errorf("the output lacks %q", want)
		}
	}
	for line := range strings.Lines(r.out.String()) {
		if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > 100 {
			t.Errorf("a line has %d columns: %s", n, line)
		}
	}
	if strings.Contains(r.out.String(), "\x1b") {
		t.Error("there are escapes in what is no terminal")
	}
	if t.Failed() {
		t.Logf("the output:\n%s", r.out)
	}
	r.nothingLeft(t)
}

// TestTwoAtOnce has two demos from one checkout, each ended by a signal: one that stands, one on its way up.
func TestTwoAtOnce(t *testing.T) {
	standing := start(t, "--sample", "without-domain")
	standing.await(t, "How to go on")
	rising := start(t, "--sample", "minimal")
	rising.await(t, "✓ control plane")
	if err := rising.command.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if code := rising.exit(t); code != 130 {
		t.Errorf("exit code %d after an interrupt on the way, want 130:\n%s", code, rising.out)
	}
	rising.nothingLeft(t)
	standing.end(t)
}

// TestDeadOperator kills the operator under the demo.
func TestDeadOperator(t *testing.T) {
	r := start(t, "--sample", "without-domain")
	r.await(t, "How to go on")
	r.killOperator(t)
	if code := r.exit(t); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	for _, want := range []string{"the operator has ended by itself", "the end of its log", `"controllerKind":"UserManagementStack"`} {
		if !strings.Contains(r.out.String(), want) {
			t.Errorf("the output lacks %q:\n%s", want, r.out)
		}
	}
	r.nothingLeft(t)
}

func (r *run) killOperator(t *testing.T) {
	t.Helper()
	processes, _ := filepath.Glob("/proc/[0-9]*")
	for _, process := range processes {
		cwd, _ := os.Readlink(filepath.Join(process, "cwd"))
		arguments, _ := os.ReadFile(filepath.Join(process, "cmdline"))
		if strings.HasPrefix(cwd, r.state) && bytes.Contains(arguments, []byte("bin/manager\x00")) {
			pid := 0
			for _, digit := range filepath.Base(process) {
				pid = pid*10 + int(digit-'0')
			}
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			return
		}
	}
	t.Fatal("no operator is running")
}

func TestBadFlags(t *testing.T) {
	for want, args := range map[string][]string{
		`unknown latency "slow": use zero, fast or aws`: {"--latency", "slow"},
		`there is no sample "nope": use internal, `:     {"--sample", "nope"},
		"is not a checkout of this repository":          {"--root", "/"},
		"the timeout is 0s":                             {"--timeout", "0"},
		`unexpected "now"`:                              {"now"},
	} {
		r := start(t, args...)
		if code := r.exit(t); code != 1 && code != 2 {
			t.Errorf("%v: exit code %d", args, code)
		}
		if !strings.Contains(r.out.String(), want) {
			t.Errorf("%v: the output lacks %q:\n%s", args, want, r.out)
		}
		r.nothingLeft(t)
	}
}
