package userdata_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"usermanagement.dev/stack/internal/userdata"
)

// tool is the path of a program that a check needs. Without it the check is skipped, or fails where UMS_REQUIRE_TOOLS is
// set, as CI does.
func tool(t *testing.T, name, debianPackage string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil && name == "sshd" {
		path, err = exec.LookPath("/usr/sbin/sshd")
	}
	if err != nil {
		reason := "no " + name + " here: apt-get install " + debianPackage
		if os.Getenv("UMS_REQUIRE_TOOLS") != "" {
			t.Fatal(reason)
		}
		t.Skip(reason)
	}
	return path
}

func write(t *testing.T, path, content string, mode os.FileMode) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", filepath.Base(name), strings.Join(args, " "), err, out)
	}
	return string(out)
}

func TestCloudInitTakesIt(t *testing.T) {
	cloudInit := tool(t, "cloud-init", "cloud-init")
	for name, document := range documents(t) {
		out := run(t, cloudInit, "schema", "--config-file", write(t, filepath.Join(t.TempDir(), name), string(document), 0o600))
		if !strings.Contains(out, "Valid") {
			t.Errorf("%s: %s", name, out)
		}
	}
}

// TestUnit has systemd read the unit as it would stand on a host, and grade its sandbox.
func TestUnit(t *testing.T) {
	analyze := tool(t, "systemd-analyze", "systemd")
	root := t.TempDir()
	const unitFile = "/etc/systemd/system/" + userdata.Unit
	document := documents(t)["host"]
	for _, f := range parsed(t, document).WriteFiles {
		mode := os.FileMode(0o644)
		if f.Permissions == "0755" {
			mode = 0o755
		}
		write(t, filepath.Join(root, f.Path), f.Content, mode)
	}
	write(t, filepath.Join(root, "opt", "usermanagement", "current", "app"), "", 0o755)
	for _, stub := range []string{"sysinit", "basic", "network-online", "shutdown", "multi-user"} {
		write(t, filepath.Join(root, "etc", "systemd", "system", stub+".target"), "[Unit]\n", 0o644)
	}
	if out := run(t, analyze, "verify", "--root="+root, unitFile); strings.Contains(out, userdata.Unit) {
		t.Errorf("systemd says: %s", out)
	}
	// Of 100, less is better; systemd calls up to 20 OK.
	run(t, analyze, "security", "--offline=yes", "--threshold=20", filepath.Join(root, unitFile))
}

func TestSSHTakesItsOptions(t *testing.T) {
	sshd, keygen := tool(t, "sshd", "openssh-server"), tool(t, "ssh-keygen", "openssh-client")
	if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
		t.Skipf("sshd wants /run/sshd, which its own unit would make: %v", err)
	}
	hostKey := filepath.Join(t.TempDir(), "key")
	run(t, keygen, "-q", "-t", "ed25519", "-N", "", "-f", hostKey)
	for name, forwarding := range map[string]string{"host": "allowtcpforwarding no", "bastion": "permitopen *:22 *:3306"} {
		options := fileIn(t, documents(t)[name], "/etc/ssh/sshd_config.d/00-usermanagement.conf")
		out := run(t, sshd, "-T", "-h", hostKey, "-f", write(t, filepath.Join(t.TempDir(), name), options, 0o600))
		for _, want := range []string{"passwordauthentication no", "permitrootlogin no", "allowusers ums", forwarding} {
			if !strings.Contains(out, want+"\n") {
				t.Errorf("%s: sshd does not say %q", name, want)
			}
		}
	}
}

// TestEnvironmentFile: a shell reads back what was written, whatever is in it.
func TestEnvironmentFile(t *testing.T) {
	host := exampleHost()
	nasty := `it's "5" $HOME ` + "`id`" + ` \ # ; & ü`
	host.Environment["UMS_ADMIN_EMAIL"] = nasty
	document, err := host.Render()
	if err != nil {
		t.Fatal(err)
	}
	path := write(t, filepath.Join(t.TempDir(), "app.env"), fileIn(t, document, userdata.AppEnvironment), 0o600)
	if got := run(t, "/bin/sh", "-c", `. "$0"; printf %s "$UMS_ADMIN_EMAIL"`, path); got != nasty {
		t.Errorf("wrote %q, a shell reads %q", nasty, got)
	}
}
