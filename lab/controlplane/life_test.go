package controlplane_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"usermanagement.dev/stack/lab/controlplane"
	"usermanagement.dev/stack/lab/controlplane/controlplanetest"
)

const (
	limit = 30 * time.Second
	poll  = 20 * time.Millisecond
)

// eventually waits until done, but not for ever.
func eventually(t *testing.T, what string, done func() (bool, error)) {
	t.Helper()
	ticker, deadline := time.NewTicker(poll), time.Now().Add(limit)
	defer ticker.Stop()
	for {
		ok, err := done()
		if ok {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("waited %s for %s: %v", limit, what, err)
		}
		<-ticker.C
	}
}

// processesOf finds the running programs whose arguments name the data directory.
func processesOf(t *testing.T, dir string) []int {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Skipf("looking for processes needs /proc: %v", err)
	}
	var found []int
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		arguments, err := os.ReadFile("/proc/" + entry.Name() + "/cmdline")
		if err == nil && strings.Contains(string(arguments), dir) {
			found = append(found, pid)
		}
	}
	return found
}

func TestStopLeavesNothing(t *testing.T) {
	cp := controlplanetest.Start(t, controlplane.Options{})
	dir := cp.DataDir()
	if running := processesOf(t, dir); len(running) != 2 {
		t.Fatalf("running: %v, want etcd and kube-apiserver", running)
	}
	if _, err := cp.NewRequestCounter(t.Context()); err == nil || !strings.Contains(err.Error(), "Options.Audit") {
		t.Errorf("count requests without the audit log: %v, want an error that names the option", err)
	}
	if err := cp.Stop(); err != nil {
		t.Fatal(err)
	}
	if running := processesOf(t, dir); len(running) != 0 {
		t.Errorf("still running after Stop: %v", running)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the temporary directory is still there: %v", err)
	}
	if err := cp.Err(); err != nil {
		t.Errorf("Err after Stop: %v", err)
	}
}

func TestDeathOfAProgramIsNoticed(t *testing.T) {
	cp := controlplanetest.Start(t, controlplane.Options{})
	for _, pid := range processesOf(t, cp.DataDir()) {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case <-cp.Done():
	case <-time.After(limit):
		t.Fatal("Done is still open")
	}
	if err := cp.Err(); err == nil || !strings.Contains(err.Error(), "ended by itself (") {
		t.Errorf("Err: %v, want which program has ended and how", err)
	}
}

func TestProgramsDieWithTheirParent(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), 2*limit)
	defer cancel()
	parent := exec.CommandContext(ctx, os.Args[0])
	parent.Env = append(os.Environ(), parentVariable+"="+dir)
	parent.Stderr = os.Stderr
	output, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // does something only if the test has failed
		_ = parent.Process.Kill()
		for _, pid := range processesOf(t, dir) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	})
	if line, err := bufio.NewReader(output).ReadString('\n'); line != "ready\n" {
		t.Fatalf("the parent said %q, %v", line, err)
	}
	if running := processesOf(t, dir); len(running) != 2 {
		t.Fatalf("running: %v, want etcd and kube-apiserver", running)
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait() // it was killed
	eventually(t, "etcd and kube-apiserver to die", func() (bool, error) {
		running := processesOf(t, dir)
		return len(running) == 0, fmt.Errorf("running: %v", running)
	})
}

// runParent starts a control plane and then does nothing until it is killed.
func runParent(dir string) error {
	cp, err := controlplane.Start(context.Background(), controlplane.Options{DataDir: dir})
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(os.Stdout, "ready"); err != nil {
		return err
	}
	<-cp.Done()
	return cp.Err()
}
