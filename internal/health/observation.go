// Package health turns rounds of questions asked through a load balancer into what is known of each host behind it. It
// asks nobody itself and knows no clock.
package health

import (
	"maps"
	"slices"

	v1 "usermanagement.dev/stack/api/v1"
)

const (
	// Enough is how many good rounds in a row make a host healthy.
	Enough = 3
	// Patience is how many rounds in a row a host may fail, or not be met, before that is said of it.
	Patience = 2
)

// Answer is one answer of one host to GET /health.
type Answer struct {
	// Host is what the host calls itself: hostcontract.HostID of its instance.
	Host string
	// Version is the release that it says it runs, Zone where it says it is.
	Version, Zone string
	// Good says that it can serve.
	Good bool
	// Reason is what it says of its trouble. Example: database: unreachable
	Reason string
}

// Round is what a few questions in a row brought.
type Round struct {
	Answers []Answer
	// Trouble is why no host answered at all, in words that stay the same while the cause does; empty if one did.
	Trouble string
}

// Host is what is known of one host.
type Host struct {
	State         v1.HealthState
	Version, Zone string
	// Reason is what it said of its trouble when it last had some.
	Reason string

	good, bad, missed int
}

// Observation is what is known of the hosts behind one load balancer. The zero value knows nothing.
type Observation struct {
	// Hosts are those that are looked for, by what they call themselves.
	Hosts map[string]Host
	// Trouble is why no host has answered for a while; empty while one does.
	Trouble string

	troubled int
}

// Next is what is known after one more round in which the given hosts were looked for.
func (o Observation) Next(round Round, wanted []string) Observation {
	next := Observation{Hosts: make(map[string]Host, len(wanted)), Trouble: o.Trouble}
	for _, id := range wanted {
		host, known := o.Hosts[id]
		if !known {
			host.State = v1.HealthUnknown
		}
		next.Hosts[id] = host.after(round.of(id))
	}
	if round.Trouble == "" {
		next.Trouble = ""
		return next
	}
	next.troubled = min(o.troubled+1, Patience)
	if next.troubled >= Patience {
		next.Trouble = round.Trouble
	}
	return next
}

// of is a host's answer in a round: a bad one if it gave one, since a host that fails now and then fails.
func (r Round) of(id string) (Answer, bool) {
	var met *Answer
	for i, answer := range r.Answers {
		if answer.Host == id && (met == nil || !answer.Good) {
			met = &r.Answers[i]
		}
	}
	if met == nil {
		return Answer{}, false
	}
	return *met, true
}

func (h Host) after(answer Answer, met bool) Host {
	switch {
	case !met:
		h.missed = min(h.missed+1, Patience)
		// A balancer leads nobody to a host that failed: what it said last still stands.
		if h.missed >= Patience && h.State != v1.HealthUnhealthy {
			h.State, h.good = v1.HealthNotAnswering, 0
		}
		return h
	case answer.Good:
		h.good, h.bad, h.missed = min(h.good+1, Enough), 0, 0
		if h.good >= Enough {
			h.State, h.Reason = v1.HealthHealthy, ""
		}
	default:
		h.good, h.bad, h.missed = 0, min(h.bad+1, Patience), 0
		if h.bad >= Patience {
			h.State, h.Reason = v1.HealthUnhealthy, answer.Reason
		}
	}
	h.Version, h.Zone = answer.Version, answer.Zone
	return h
}

// Calm says whether all is well and nothing suspicious was seen in the last round, so that the next may take its time.
func (o Observation) Calm() bool {
	for _, host := range o.Hosts {
		if host.State != v1.HealthHealthy || host.bad > 0 || host.missed > 0 {
			return false
		}
	}
	return o.troubled == 0
}

// Same says whether two observations say the same of every host; how often it was asked makes no difference.
func (o Observation) Same(other Observation) bool {
	return o.Trouble == other.Trouble && maps.EqualFunc(o.met(), other.met(), func(a, b Host) bool {
		return a.State == b.State && a.Version == b.Version && a.Zone == b.Zone && a.Reason == b.Reason
	})
}

// met are the hosts of whom anything is known.
func (o Observation) met() map[string]Host {
	met := maps.Clone(o.Hosts)
	maps.DeleteFunc(met, func(_ string, h Host) bool { return h.State == v1.HealthUnknown && h.Version == "" })
	return met
}

// Complete says whether each of the given hosts is among the answers, so that a round need not go on.
func (r Round) Complete(wanted []string) bool {
	return !slices.ContainsFunc(wanted, func(id string) bool { _, met := r.of(id); return !met })
}
