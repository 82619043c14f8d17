package dataplane

import (
	"net/http"
	"strings"
	"testing"

	"usermanagement.dev/stack/test/stacktest"
)

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
