package dataplane

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"usermanagement.dev/stack/internal/build"
	"usermanagement.dev/stack/internal/hostcontract"
	"usermanagement.dev/stack/test/stacktest"
)

// rotateAppSecret does what docs/how-to/rotate-secrets.md says.
func rotateAppSecret(t *testing.T, d *deployed) {
	t.Helper()
	secret := d.AppSecret(t)
	var document hostcontract.AppSecret
	if err := json.Unmarshal(secret.Data[build.AppSecretKey], &document); err != nil {
		t.Fatal(err)
	}
	document.PreviousEncryptionKeys = append([]string{document.EncryptionKey}, document.PreviousEncryptionKeys...)
	document.EncryptionKey = base64.StdEncoding.EncodeToString([]byte(rand.Text() + "123456"))
	text, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	secret.Data[build.AppSecretKey] = text
	if err := lab.Admin.Update(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
}

// TestPeopleSignIn has two hosts install themselves and serve the same people.
func TestPeopleSignIn(t *testing.T) {
	d := deploy(t, first, healthInterval)
	p := d.signedIn(t)
	for range 4 { // whichever host it is
		if got := p.Get("/dashboard"); got.Status != http.StatusOK || !strings.Contains(got.Body, stacktest.Administrator) {
			t.Fatalf("the dashboard: %d %s", got.Status, got.Body)
		}
	}
	t.Run("the database's password is rotated", func(t *testing.T) {
		before, database := d.starts(), d.Database(t)
		if err := lab.Cloud.RotateMasterPassword(database.Region, database.Identifier); err != nil {
			t.Fatal(err)
		}
		if err := lab.DataPlane.Databases.Disconnect(t.Context(), database.Identifier); err != nil {
			t.Fatal(err)
		}
		for range 10 {
			if got := p.Get("/users"); got.Status != http.StatusOK {
				t.Errorf("after the rotation: %d", got.Status)
			}
		}
		if after := d.starts(); after != before {
			t.Errorf("the app was started %d times before and %d times after", before, after)
		}
	})
	t.Run("the app's secret is rotated", func(t *testing.T) {
		before, hosts := d.starts(), d.HostIDs()
		rotateAppSecret(t, d)
		d.Until(t, "every host follows the rotation", func() (bool, string) {
			if got := p.Get("/users"); got.Status != http.StatusOK {
				t.Errorf("during the rotation: %d", got.Status)
			}
			return !slices.ContainsFunc(hosts, func(id string) bool {
				return !strings.Contains(lab.Console(id), "the app's secret was rotated")
			}), "not all do"
		})
		if after := d.starts(); after != before || !slices.Equal(d.HostIDs(), hosts) {
			t.Errorf("the app was started %d times before and %d times after; hosts %v and %v", before, after, hosts, d.HostIDs())
		}
	})
	t.Run("no secret is told", func(t *testing.T) {
		database := d.Database(t)
		for _, secret := range []string{d.SetupSecret(t), database.Password(), stacktest.Password} {
			for _, id := range d.HostIDs() {
				if strings.Contains(lab.Console(id), secret) {
					t.Error("a host's log holds a secret")
				}
			}
		}
	})
}
