package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"usermanagement.dev/stack/internal/hostcontract"
	"usermanagement.dev/stack/lab/apptest"
	"usermanagement.dev/stack/lab/database"
	"usermanagement.dev/stack/lab/loopback/loopbacktest"
)

// runAsApp makes this test binary behave as the app, so that tests start real processes of it.
const runAsApp = "APP_TEST_RUN"

func TestMain(m *testing.M) {
	if os.Getenv(runAsApp) == "1" {
		main()
		os.Exit(0)
	}
	apptest.Main(m)
}

// terminate is how systemd ends a service.
const terminate = syscall.SIGTERM

const testKey = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

// app is the command with the given arguments, on a database.
func app(t *testing.T, databaseURL, listen string, args ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	t.Cleanup(func() {
		cancel()
		if cmd.Process != nil && cmd.ProcessState == nil {
			_ = cmd.Wait() // until it has gone: the tests' own end must not come first
		}
	})
	cmd.Env = []string{
		runAsApp + "=1", "PATH=" + os.Getenv("PATH"), hostcontract.EnvDatabaseURL + "=" + databaseURL, hostcontract.EnvListen + "=" + listen,
		hostcontract.EnvPublicURL + "=http://" + listen, hostcontract.EnvSetupSecret + "=canary-setup-secret", hostcontract.EnvEncryptionKey +
			"=" + testKey,
		hostcontract.EnvHostID + "=" + listen, hostcontract.EnvDrain + "=2s",
	}
	return cmd
}

func ask(listen string) (int, hostcontract.Health) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	var doc hostcontract.Health
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+listen+hostcontract.HealthPath, nil)
	if err != nil {
		return 0, doc
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, doc
	}
	defer func() { _ = res.Body.Close() }()
	_ = json.NewDecoder(res.Body).Decode(&doc)
	return res.StatusCode, doc
}

// waitHealth waits until /health is as wanted.
func waitHealth(t *testing.T, listen string, status int, want hostcontract.Status) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 40*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		got, doc := ask(listen)
		if got == status && doc.Status == want {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("/health of %s is %d %+v, want %d %s", listen, got, doc, status, want)
		case <-tick.C:
		}
	}
}

func startDatabase(t *testing.T, port int) *database.Server {
	t.Helper()
	db, err := database.Start(context.Background(), database.Options{Port: port})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Stop() })
	if err := db.CreateDatabase(context.Background(), "ums"); err != nil {
		t.Fatal(err)
	}
	return db
}

// TestFiveHostsComeUpTogetherAndOneDrains starts five processes on an empty database, then ends one as systemd does.
func TestFiveHostsComeUpTogetherAndOneDrains(t *testing.T) {
	db := startDatabase(t, 0)
	var hosts []*exec.Cmd
	var listens []string
	var log bytes.Buffer
	for i := range 5 {
		listen := loopbacktest.Address(t)
		cmd := app(t, db.URL("ums"), listen, "serve")
		if i == 0 {
			cmd.Stdout = &log
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		hosts, listens = append(hosts, cmd), append(listens, listen)
	}
	for _, listen := range listens {
		waitHealth(t, listen, http.StatusOK, hostcontract.StatusOK)
	}
	if out, err := app(t, db.URL("ums"), listens[0], "healthcheck").CombinedOutput(); err != nil {
		t.Errorf("healthcheck of a healthy host: %v %s", err, out)
	}
	if err := hosts[0].Process.Signal(terminate); err != nil {
		t.Fatal(err)
	}
	waitHealth(t, listens[0], http.StatusServiceUnavailable, hostcontract.StatusDraining)
	if err := hosts[0].Wait(); err != nil {
		t.Errorf("a host that was asked to stop ended with %v", err)
	}
	if status, _ := ask(listens[1]); status != http.StatusOK {
		t.Errorf("the other hosts: %d", status)
	}
	if out, err := app(t, db.URL("ums"), listens[0], "healthcheck").CombinedOutput(); err == nil {
		t.Errorf("healthcheck of a host that is gone: %s", out)
	}
	for _, secret := range []string{"canary", testKey, db.Password()} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log holds a secret: %s", log.String())
		}
	}
}

// TestAppStartsWithoutItsDatabaseAndWaits starts the app first and its database later.
func TestAppStartsWithoutItsDatabaseAndWaits(t *testing.T) {
	_, port, err := net.SplitHostPort(loopbacktest.Address(t))
	if err != nil {
		t.Fatal(err)
	}
	var number int
	if _, err := fmt.Sscan(port, &number); err != nil {
		t.Fatal(err)
	}
	listen := loopbacktest.Address(t)
	cmd := app(t, "mysql://late:late@127.0.0.1:"+port+"/ums", listen, "serve")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	waitHealth(t, listen, http.StatusServiceUnavailable, hostcontract.StatusFailing)
	db := startDatabase(t, number)
	if err := db.AddAccount(context.Background(), "late", "late"); err != nil {
		t.Fatal(err)
	}
	waitHealth(t, listen, http.StatusOK, hostcontract.StatusOK)
}

func TestCommandsOnADatabase(t *testing.T) {
	db := startDatabase(t, 0)
	listen := loopbacktest.Address(t)
	for _, tc := range []struct {
		args []string
		want string
		fail bool
	}{
		{args: []string{"migrate"}, want: "migrations applied"},
		{args: []string{"user", "create", "root1", "root@example.org", "--role", "admin"}, want: "http://" + listen + "/link/"},
		{args: []string{"user", "create", "root1", "root@example.org"}, want: "field.taken", fail: true},
		{args: []string{"user", "link", "root@example.org"}, want: "/link/"},
		{args: []string{"user", "link", "nobody"}, want: "no such user", fail: true},
		{args: []string{"user", "unlock", "root1"}},
		{args: []string{"user", "dormant", "--days", "90", "--dry-run"}, want: "accounts to be deactivated now: 0; within 30 days: 0 more"},
		{args: []string{"user", "dormant", "--days", "90"}, want: "0 accounts deactivated"},
		{args: []string{"user", "dormant"}, want: "UMS_DORMANT_AFTER", fail: true},
		{args: []string{"user", "dormant", "--days", "30", "--dry-run"}, want: "root1 (id 1): last seen "},
		{args: []string{"user", "import-legacy"}, want: "old table user", fail: true},
		{args: []string{"audit", "verify"}, want: "the audit log is whole: 3 entries"},
		{args: []string{"config"}, want: `"SetupSecret": "[redacted]"`},
		{args: []string{"nonsense"}, want: "Usage", fail: true},
	} {
		out, err := app(t, db.URL("ums"), listen, tc.args...).CombinedOutput()
		var exit *exec.ExitError
		if errors.As(err, &exit) != tc.fail || !strings.Contains(string(out), tc.want) || strings.Contains(string(out), "canary") {
			t.Errorf("app %v: %v\n%s\nwant %q, failure %v", tc.args, err, out, tc.want, tc.fail)
		}
	}
}
