package hosts

import (
	"encoding/base64"
	"maps"
	"strings"
	"testing"
	"time"

	"usermanagement.dev/stack/internal/userdata"
	"usermanagement.dev/stack/lab/cloud"
)

// instance has the operator's own user data.
func instance(t *testing.T) cloud.Instance {
	t.Helper()
	text, err := userdata.Host{
		Release:     userdata.Release{Version: "1.4.0", URL: "https://releases.example.com/app", SHA256: strings.Repeat("0", 64)},
		Environment: map[string]string{"UMS_ADMIN_EMAIL": `"a\b" $HOME ` + "`id`"},
	}.Render()
	if err != nil {
		t.Fatal(err)
	}
	return cloud.Instance{ID: "i-1", UserData: base64.StdEncoding.EncodeToString(text)}
}

func TestTheOperatorsUserDataIsUnderstood(t *testing.T) {
	config, err := ReadUserData(instance(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := checkCommands(config.RunCmd); err != nil {
		t.Error(err)
	}
	app, err := config.Environment(userdata.AppEnvironment)
	if want := `"a\b" $HOME ` + "`id`"; err != nil || app["UMS_ADMIN_EMAIL"] != want {
		t.Errorf("the app is told %q, %v; want %q", app["UMS_ADMIN_EMAIL"], err, want)
	}
	text, _ := config.File("/etc/systemd/system/" + userdata.Unit)
	u, err := parseUnit(text)
	if err != nil {
		t.Fatal(err)
	}
	if u.start != "/opt/usermanagement/current/app" || u.before != "/usr/local/lib/usermanagement/install" ||
		u.restartDelay != 5*time.Second || u.stopTimeout != 90*time.Second || len(u.environmentFiles) != 3 {
		t.Errorf("the unit is %+v", u)
	}
}

func TestWhatIsNotUnderstoodIsRefused(t *testing.T) {
	const unit = "[Service]\nExecStart=/app\nTimeoutStopSec=90\n"
	for want, text := range map[string]string{
		"WatchdogSec=5: the lab does not know": unit + "WatchdogSec=5\n",
		"without arguments":                    "[Service]\nExecStart=/app --flag\nTimeoutStopSec=90\n",
		"Restart=no: the lab restarts always":  unit + "Restart=no\n",
		"lacks ExecStart":                      "[Service]\nTimeoutStopSec=90\n",
		"is no setting":                        unit + "nonsense\n",
	} {
		if _, err := parseUnit(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: the error is %v, want one with %q", text, err, want)
		}
	}
	for _, commands := range [][][]string{{{"reboot"}}, {{"systemctl", "daemon-reload"}}} {
		if err := checkCommands(commands); err == nil {
			t.Errorf("%q is taken", commands)
		}
	}
}

func TestEnvironmentFiles(t *testing.T) {
	got, err := ParseEnvironment("A=plain\n\nB=\"two words\"\nC=\"\"\n")
	if want := map[string]string{"A": "plain", "B": "two words", "C": ""}; err != nil || !maps.Equal(got, want) {
		t.Errorf("got %v, %v", got, err)
	}
	for _, text := range []string{"A", "=x", `A="x" y`, `A="x`, "A='x'", "A=x y"} {
		if got, err := ParseEnvironment(text); err == nil {
			t.Errorf("%q is read as %v", text, got)
		}
	}
}
