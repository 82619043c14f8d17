package nspawn

import (
	"os"
	"path/filepath"
	"testing"
)

// TestImageIsSettled: what the packages leave becomes an image that knows whom to ask, and that has no identity.
func TestImageIsSettled(t *testing.T) {
	root := t.TempDir()
	for _, folder := range []string{"etc/cloud/cloud.cfg.d", "etc/systemd/system", "etc/ssh", "var/log"} {
		if err := os.MkdirAll(filepath.Join(root, folder), 0o750); err != nil {
			t.Fatal(err)
		}
	}
	const hostKey = "etc/ssh/ssh_host_ed25519_key"
	for _, path := range []string{hostKey, "etc/hostname", "etc/resolv.conf"} {
		if err := os.WriteFile(filepath.Join(root, path), []byte("of the machine that made it"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // a second time changes nothing
		if err := settle(root); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{hostKey, "etc/hostname", "etc/resolv.conf"} {
		if _, err := os.Stat(filepath.Join(root, path)); err == nil {
			t.Errorf("the image has the %s of another machine", path)
		}
	}
	if id, err := os.ReadFile(filepath.Join(root, "etc", "machine-id")); err != nil || len(id) != 0 {
		t.Errorf("the image has the machine id %q: %v", id, err)
	}
	if to, err := os.Readlink(filepath.Join(root, "etc", "systemd", "system", "apt-daily.timer")); err != nil || to != "/dev/null" {
		t.Errorf("a unit that has nothing to do leads to %q: %v", to, err)
	}
}

// TestDeadCgroups: what a killed lab has left is found by its name, and what is not there is no error.
func TestDeadCgroups(t *testing.T) {
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "payload", "system.slice"), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := removeCgroups([]string{root, filepath.Join(root, "never")}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(root); err == nil {
		t.Error("a group is left, although nothing is in it")
	}
}
