package controllers

import (
	"testing"
	"time"

	"usermanagement.dev/stack/internal/ack"
	. "usermanagement.dev/stack/internal/ack/acktest" //nolint:revive // its words make sentences of the cases
)

// TestACKIsHeardByWhatItWrites: and only where it works, and not by what the operator or people write.
func TestACKIsHeardByWhatItWrites(t *testing.T) {
	now := Start
	p := newPulse(func() time.Time { return now })
	fresh, made := New(ack.Subnet, "a"), Ready(ack.Subnet, "a")
	fresh.SetNamespace("team-a")
	made.SetNamespace("team-a")

	p.met(fresh)
	labelled := fresh.DeepCopy()
	labelled.SetLabels(map[string]string{"somebody": "s"})
	p.changed(fresh, labelled)
	if heard := p.heard("team-a"); len(heard) > 0 {
		t.Errorf("nobody of ACK has written, heard are %v", heard)
	}
	p.changed(labelled, made)
	if at, ok := p.heard("team-a")["Subnet"]; !ok || !at.Equal(now) {
		t.Error("ACK has made the subnet")
	}
	if heard := p.heard("team-b"); len(heard) > 0 {
		t.Errorf("ACK was not seen in team-b, heard are %v", heard)
	}
	if _, ok := p.heard("team-a")["VPC"]; ok {
		t.Error("the controller of another kind may have stopped")
	}
	other := made.DeepCopy()
	other.SetNamespace("team-b")
	p.met(other)
	if _, ok := p.heard("team-b")["Subnet"]; !ok {
		t.Error("an object in team-b has ACK's finalizer: its controllers work there")
	}
}
