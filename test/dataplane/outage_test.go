package dataplane

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/metrics"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/test/stacktest"
)

// enoughLoad is how many requests show that there is load, or that it goes on.
const enoughLoad = 200

// TestTheDatabaseRestarts while people work: they notice, and the app recovers by itself.
func TestTheDatabaseRestarts(t *testing.T) {
	d := deploy(t, first, healthInterval)
	p := d.signedIn(t)
	before := d.starts()
	l := p.UnderLoad(d.way, clients, 0)
	end, err := lab.DataPlane.Databases.Outage(d.Database(t).Identifier)
	if err != nil {
		t.Fatal(err)
	}
	d.Until(t, "people notice", func() (bool, string) { return l.Failed() > 0, "" })
	if err := end(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.Serving(t, d.way, first.Version)
	l.Stop()
	l = p.UnderLoad(d.way, clients, 0)
	d.Until(t, "people work again", func() (bool, string) { return l.Sent() > enoughLoad, "" })
	l.NoneFails(t, enoughLoad)
	if after := d.starts(); after != before {
		t.Errorf("the app was started %d times before the outage and %d times after", before, after)
	}
}

const (
	// calmInterval is the time between two rounds of questions in TestAHostIsKilled: so long that what comes after a round,
	// a pass and a write, takes no time beside it.
	calmInterval = 5 * time.Second
	// roundsInTwo is how many rounds the operator makes in two such intervals from the moment when a host fails: the next of
	// the calm ones, at the latest after one interval, and then five hurried ones for each (internal/probe).
	roundsInTwo = 1 + 5
)

// TestAHostIsKilled under load: the status names it within two health intervals, and no more requests fail than were under
// way. The intervals are counted in rounds of the operator's questions, which come no faster on a fast machine.
func TestAHostIsKilled(t *testing.T) {
	d := deploy(t, first, calmInterval)
	p := d.signedIn(t)
	killed := d.HostIDs()[0]
	l := p.UnderLoad(d.way, clients, 0)
	d.Until(t, "there is load", func() (bool, string) { return l.Sent() > enoughLoad, "" })
	before := rounds(t)
	if err := lab.Cloud.TerminateInstance(killed); err != nil {
		t.Fatal(err)
	}
	if err := lab.DataPlane.Processes.Kill(killed); err != nil {
		t.Logf("it was gone already: %v", err)
	}
	at := l.Sent()
	d.Until(t, "the status names it", func() (bool, string) {
		seen := d.Seen(t)
		return slices.ContainsFunc(seen.Status.Hosts.Items, func(h v1.HostStatus) bool {
			return h.InstanceID == killed && h.Health.State == v1.HealthNotAnswering
		}), stacktest.Described(seen)
	})
	// One round may have been under way when the host was killed.
	if made := rounds(t) - before; made > roundsInTwo+1 {
		t.Errorf("it is named after %d rounds, two health intervals have %d", made, roundsInTwo)
	}
	if l.Sent() <= at {
		t.Error("nobody was served while the host was missing")
	}
	d.Until(t, "the load goes on without it", func() (bool, string) { return l.Sent() > at+enoughLoad, strconv.Itoa(l.Sent()) })
	// What was sent to the host before the balancer heard of its end may fail: no more than was under way, twice, for those
	// that came between the process's end and the event.
	if _, failures := l.Stop(); len(failures) > 2*clients {
		t.Errorf("%d requests failed, %d were under way; the first: %s", len(failures), clients, failures[0])
	}
}

// rounds is how often the operators of this process have asked the hosts of a stack for their health.
func rounds(t *testing.T) uint64 {
	t.Helper()
	families, err := metrics.Registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() == "ums_health_round_duration_seconds" {
			return family.GetMetric()[0].GetHistogram().GetSampleCount()
		}
	}
	t.Fatal("nobody counts rounds")
	return 0
}
