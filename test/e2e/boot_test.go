package e2e

import (
	"strings"
	"testing"

	"usermanagement.dev/stack/internal/hostcontract"
)

// TestBoot: the very user data was run by the real cloud-init, to its end and without a complaint, and the app is what it
// should be to systemd.
func TestBoot(t *testing.T) {
	d := stack(t)
	for _, i := range append(d.Hosts(), d.Bastion(t)) {
		if out, err := on(t, i, "cloud-init", "status", "--wait", "--long"); err != nil || !strings.Contains(out, "status: done") {
			t.Errorf("%s: cloud-init says %s: %v", i.Owner.Name, out, err)
		}
		if out, err := on(t, i, "cloud-init", "query", "instance_id"); strings.TrimSpace(out) != i.ID {
			t.Errorf("%s: cloud-init takes the instance for %s: %v", i.Owner.Name, out, err)
		}
		if out, err := on(t, i, "systemctl", "--failed", "--no-legend", "--plain"); err != nil || strings.TrimSpace(out) != "" {
			t.Errorf("%s: units have failed: %s: %v", i.Owner.Name, out, err)
		}
	}
	for _, i := range d.Hosts() {
		if out, err := on(t, i, "cat", "/run/usermanagement/host.env"); !strings.Contains(out, hostcontract.HostID(i.ID)) {
			t.Errorf("%s: the host calls itself %q: %v", i.ID, out, err)
		}
		out, err := on(t, i, "systemctl", "show", "usermanagement.service", "--property=ActiveState,User,DynamicUser,NRestarts")
		if err != nil || !strings.Contains(out, "ActiveState=active") || !strings.Contains(out, "DynamicUser=yes") {
			t.Errorf("%s: the app's unit is %s: %v", i.ID, out, err)
		}
	}
}

// TestBootAgain: the units may run twice, and a machine may boot again as if for the first time; both end as the first did.
func TestBootAgain(t *testing.T) {
	d := stack(t)
	host := d.Hosts()[0]
	facts := func() string {
		out, err := on(t, host, "sh", "-c", "cat /etc/usermanagement/*.env && readlink /opt/usermanagement/current && "+
			"sha256sum /opt/usermanagement/current/app && ls /opt/usermanagement/releases && getent passwd ums")
		if err != nil {
			return err.Error() + out
		}
		return out
	}
	before := facts()
	if out, err := on(t, host, "systemctl", "restart", "usermanagement.service"); err != nil {
		t.Fatalf("restart the app: %s: %v", out, err)
	}
	d.serves(t)
	if after := facts(); after != before {
		t.Errorf("after a restart the host is\n%s\nit was\n%s", after, before)
	}
	bootID := func() string {
		out, _ := on(t, host, "cat", "/proc/1/stat")
		fields := strings.Fields(out)
		if len(fields) < 22 {
			return ""
		}
		return fields[21] // when init began
	}
	first := bootID()
	if out, err := on(t, host, "cloud-init", "clean", "--logs"); err != nil {
		t.Fatalf("clean: %s: %v", out, err)
	}
	if out, err := on(t, host, "systemctl", "reboot"); err != nil {
		t.Logf("the reboot cut its own command off: %s: %v", out, err)
	}
	d.Until(t, "the host has booted again", func() (bool, string) {
		id := bootID()
		return id != "" && id != first, "init began at " + id
	})
	d.Until(t, "cloud-init is done again", func() (bool, string) {
		out, _ := on(t, host, "cloud-init", "status")
		return strings.Contains(out, "done"), out
	})
	d.serves(t)
	if after := facts(); after != before {
		t.Errorf("after another first boot the host is\n%s\nit was\n%s", after, before)
	}
}
