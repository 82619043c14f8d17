package userdata_test

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"usermanagement.dev/stack/internal/hostcontract"
)

// machine is a host reduced to what the installer sees of it: a folder, the programs that it calls, and a server that
// has the release.
type machine struct {
	t         *testing.T
	folder    string
	script    string
	variables map[string]string
	fetched   atomic.Int32
	failures  atomic.Int32 // so many requests are answered with 503 first
	release   string
}

const instanceID = "i-0123456789abcdef0"

func newMachine(t *testing.T) *machine {
	t.Helper()
	tool(t, "curl", "curl")
	m := &machine{t: t, folder: t.TempDir(), release: "#!/bin/sh\necho one\n"}
	server := httptest.NewServer(m)
	t.Cleanup(server.Close)
	m.script = write(t, filepath.Join(m.folder, "install"),
		fileIn(t, documents(t)["host"], "/usr/local/lib/usermanagement/install"), 0o700)
	write(t, filepath.Join(m.folder, "bin", "cloud-init"),
		"#!/bin/sh\n[ \"$*\" = 'query instance_id' ] && echo "+instanceID+"\n", 0o700)
	m.variables = map[string]string{
		"PATH":            filepath.Join(m.folder, "bin") + ":" + os.Getenv("PATH"),
		"RELEASE_VERSION": "1.4.0", "RELEASE_URL": server.URL + "/app", "RELEASE_SHA256": checksum(m.release),
		"RELEASE_ROOT": filepath.Join(m.folder, "opt"), "HOST_FILE": filepath.Join(m.folder, "run", "host.env"),
		"CA_URL": server.URL + "/ca", "CA_FILE": filepath.Join(m.folder, "ca.pem"),
		"RETRY_DELAY": "0",
	}
	return m
}

func (m *machine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case m.failures.Add(-1) >= 0:
		w.WriteHeader(http.StatusServiceUnavailable)
	case r.URL.Path == "/app":
		m.fetched.Add(1)
		_, _ = w.Write([]byte(m.release))
	case r.URL.Path == "/ca":
		_, _ = w.Write([]byte("-----BEGIN CERTIFICATE-----\n"))
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

// install runs the installer and returns what it says and whether it succeeded.
func (m *machine) install() (string, bool) {
	m.t.Helper()
	command := exec.CommandContext(m.t.Context(), "/bin/sh", m.script)
	for name, value := range m.variables {
		command.Env = append(command.Env, name+"="+value)
	}
	out, err := command.CombinedOutput()
	return string(out), err == nil
}

func (m *machine) app() string { return filepath.Join(m.folder, "opt", "current", "app") }

func checksum(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func TestInstall(t *testing.T) {
	m := newMachine(t)
	if out, ok := m.install(); !ok {
		t.Fatal(out)
	}
	if got := run(t, m.app()); got != "one\n" {
		t.Errorf("the app says %q", got)
	}
	host, err := os.ReadFile(m.variables["HOST_FILE"])
	if want := "UMS_HOST_ID=" + hostcontract.HostID(instanceID) + "\n"; err != nil || string(host) != want {
		t.Errorf("the host calls itself %q, want %q", host, want)
	}

	t.Run("twice", func(t *testing.T) {
		if out, ok := m.install(); !ok || m.fetched.Load() != 1 {
			t.Errorf("fetched %d times: %s", m.fetched.Load(), out)
		}
	})
	t.Run("damaged", func(t *testing.T) {
		write(t, m.app(), "#!/bin/sh\necho evil\n", 0o700)
		if out, ok := m.install(); !ok {
			t.Fatal(out)
		}
		if got := run(t, m.app()); got != "one\n" {
			t.Errorf("the app says %q", got)
		}
	})
	t.Run("another release", func(t *testing.T) {
		m.release = "#!/bin/sh\necho two\n"
		m.variables["RELEASE_VERSION"], m.variables["RELEASE_SHA256"] = "1.5.0", checksum(m.release)
		if out, ok := m.install(); !ok {
			t.Fatal(out)
		}
		if got := run(t, m.app()); got != "two\n" {
			t.Errorf("the app says %q", got)
		}
	})
}

func TestInstallRetries(t *testing.T) {
	m := newMachine(t)
	m.failures.Store(1)
	if out, ok := m.install(); !ok {
		t.Fatalf("gave up after one failure: %s", out)
	}
}

func TestInstallRefuses(t *testing.T) {
	for _, c := range []struct {
		name, variable, value, want string
	}{
		{"another checksum", "RELEASE_SHA256", checksum("other"), "has checksum " + checksum("#!/bin/sh\necho one\n")},
		{"no such release", "RELEASE_URL", "/nothing", "cannot fetch release 1.4.0 from "},
		{"no such certificates", "CA_URL", "/nothing", "cannot fetch the database's certificate authorities"},
		{"not certificates", "CA_URL", "/app", "is not a list of certificates"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newMachine(t)
			value := c.value
			if strings.HasPrefix(value, "/") {
				value = m.variables["RELEASE_URL"][:strings.LastIndex(m.variables["RELEASE_URL"], "/")] + value
			}
			m.variables[c.variable] = value
			out, ok := m.install()
			if ok || !strings.Contains(out, c.want) {
				t.Errorf("want a failure with %q, got %s", c.want, out)
			}
			if strings.HasPrefix(c.variable, "RELEASE") {
				if _, err := os.Stat(m.app()); err == nil {
					t.Error("the app is there to be started")
				}
			}
		})
	}
}
