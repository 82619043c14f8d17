package dataplane

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"usermanagement.dev/stack/internal/hostcontract"
)

// health is what a host says of itself through the load balancer.
func (d *deployed) health(c *http.Client) (int, hostcontract.Health) {
	d.t.Helper()
	var health hostcontract.Health
	r, err := http.NewRequestWithContext(d.t.Context(), http.MethodGet, d.url()+hostcontract.HealthPath, http.NoBody)
	if err != nil {
		d.t.Fatal(err)
	}
	response, err := c.Do(r)
	if err != nil {
		return 0, health
	}
	defer func() { _ = response.Body.Close() }()
	_ = json.NewDecoder(response.Body).Decode(&health)
	return response.StatusCode, health
}

// hostCount is how many hosts the sample asks for.
const hostCount = 2

// serving waits until so many hosts answer, all of them well and with this version.
func (d *deployed) serving(version string) {
	d.t.Helper()
	c := newClient(d.t)
	d.until("hosts serve "+version, func() (bool, string) {
		seen := map[string]bool{}
		for range 6 {
			status, health := d.health(c)
			if status != http.StatusOK || health.Version != version {
				return false, health.Version + " " + string(health.Status)
			}
			seen[health.Host] = true
		}
		return len(seen) == hostCount, "too few hosts"
	})
}

// TestPeopleSignIn has two hosts install themselves and serve the same people.
func TestPeopleSignIn(t *testing.T) {
	d := deploy(t, first)
	d.ready()
	d.serving(first.Version)
	p := d.person()
	p.setUp(d.setupSecret())
	p.signIn()
	for range 4 { // whichever host it is
		if got := p.get("/dashboard"); got.status != http.StatusOK || !strings.Contains(got.body, "root1") {
			t.Fatalf("the dashboard: %d %s", got.status, got.body)
		}
	}
	t.Run("the database's password is rotated", func(t *testing.T) {
		before, database := d.restarts(), d.database()
		if err := lab.Cloud.RotateMasterPassword(database.Region, database.Identifier); err != nil {
			t.Fatal(err)
		}
		if err := lab.DataPlane.Databases.Disconnect(t.Context(), database.Identifier); err != nil {
			t.Fatal(err)
		}
		for range 10 {
			if got := p.get("/users"); got.status != http.StatusOK {
				t.Errorf("after the rotation: %d %s", got.status, got.body)
			}
		}
		if after := d.restarts(); after != before {
			t.Errorf("the app was started %d times before and %d times after", before, after)
		}
	})
	t.Run("no secret is told", func(t *testing.T) {
		for _, secret := range []string{d.setupSecret(), d.database().Password(), password} {
			if strings.Contains(d.consoles(), secret) {
				t.Error("a host's log holds a secret")
			}
		}
	})
}

// restarts counts how often the app was started on all hosts.
func (d *deployed) restarts() int {
	count := 0
	for _, id := range d.instances() {
		count += strings.Count(console(id), "host: starting")
	}
	return count
}
