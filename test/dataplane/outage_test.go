package dataplane

import (
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"

	v1 "usermanagement.dev/stack/api/v1"
)

// TestOutages takes away first the database and then a host, while people work.
func TestOutages(t *testing.T) {
	d := deploy(t, first)
	d.ready()
	d.serving(first.Version)
	p := d.person()
	p.setUp(d.setupSecret())
	p.signIn()
	t.Run("the database restarts", func(t *testing.T) {
		before := d.restarts()
		l := d.underLoad(p)
		end, err := lab.DataPlane.Databases.Outage(d.database().Identifier)
		if err != nil {
			t.Fatal(err)
		}
		d.until("people notice", func() (bool, string) {
			l.mu.Lock()
			defer l.mu.Unlock()
			return len(l.failures) > 0, ""
		})
		if err := end(t.Context()); err != nil {
			t.Fatal(err)
		}
		d.serving(first.Version)
		l.stop()
		l = d.underLoad(p)
		d.until("people work again", func() (bool, string) { return l.sent() > 200, "" })
		if _, failures := l.stop(); len(failures) > 0 {
			t.Errorf("%d requests failed after the database was back, the first: %s", len(failures), failures[0])
		}
		if after := d.restarts(); after != before {
			t.Errorf("the app was started %d times before the outage and %d times after", before, after)
		}
	})
	t.Run("a host is killed", func(t *testing.T) {
		killed := d.instances()[0]
		l := d.underLoad(p)
		d.until("there is load", func() (bool, string) { return l.sent() > 200, "" })
		if err := lab.Cloud.TerminateInstance(killed); err != nil {
			t.Fatal(err)
		}
		if err := lab.DataPlane.Processes.Kill(killed); err != nil {
			t.Logf("it was gone already: %v", err)
		}
		at := l.sent()
		d.until("the load goes on without it", func() (bool, string) { return l.sent() > at+500, "" })
		d.until("the status tells", func() (bool, string) {
			available := meta.FindStatusCondition(d.seen().Status.Conditions, v1.ConditionReady)
			return available != nil && available.Status != "True", ""
		})
		// What was sent to the host before the balancer heard of its end may fail: no more than was under way, twice, for
		// those that came between the process's end and the event.
		if _, failures := l.stop(); len(failures) > 2*clients {
			t.Errorf("%d requests failed, %d were under way; the first: %s", len(failures), clients, failures[0])
		}
	})
}
