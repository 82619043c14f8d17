package health_test

import (
	"testing"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/internal/health"
)

var (
	good   = health.Round{Answers: []health.Answer{{Host: "a", Version: "1.0.0", Zone: "z", Good: true}}}
	bad    = health.Round{Answers: []health.Answer{{Host: "a", Version: "1.0.0", Reason: "database: unreachable"}}}
	torn   = health.Round{Answers: append(append([]health.Answer{}, good.Answers...), bad.Answers...)}
	others = health.Round{Answers: []health.Answer{{Host: "b", Good: true}}}
	nobody = health.Round{Trouble: "its name does not resolve"}
)

// observed is what is known after some rounds, by letters: g a good answer, b a bad one, t both, o another host's, n none.
func observed(rounds string) health.Observation {
	var o health.Observation
	for _, letter := range rounds {
		round := map[rune]health.Round{'g': good, 'b': bad, 't': torn, 'o': others, 'n': nobody}[letter]
		o = o.Next(round, []string{"a"})
	}
	return o
}

func TestWhatRoundsSayOfAHost(t *testing.T) {
	for rounds, want := range map[string]v1.HealthState{
		"g": v1.HealthUnknown, "gg": v1.HealthUnknown, "ggg": v1.HealthHealthy,
		"ggbgg": v1.HealthUnknown, "ggbggg": v1.HealthHealthy, // in a row
		"gogg": v1.HealthHealthy, // not met once says nothing
		"b":    v1.HealthUnknown, "bb": v1.HealthUnhealthy, "tt": v1.HealthUnhealthy,
		"gggb": v1.HealthHealthy, "gggbb": v1.HealthUnhealthy, "gggbbgg": v1.HealthUnhealthy, "gggbbggg": v1.HealthHealthy,
		"ggo": v1.HealthUnknown, "oo": v1.HealthNotAnswering, "gggo": v1.HealthHealthy, "gggoo": v1.HealthNotAnswering,
		"gggoogg": v1.HealthNotAnswering, "gggooggg": v1.HealthHealthy,
		"bboooo": v1.HealthUnhealthy, // what it said last stands
		"nn":     v1.HealthNotAnswering,
	} {
		if got := observed(rounds).Hosts["a"].State; got != want {
			t.Errorf("after %s it is %s, want %s", rounds, got, want)
		}
	}
	if reason := observed("ggg" + "bb").Hosts["a"].Reason; reason != "database: unreachable" {
		t.Errorf("got %q", reason)
	}
	if reason := observed("bbggg").Hosts["a"].Reason; reason != "" {
		t.Errorf("a healthy host still says %q", reason)
	}
}

func TestTroubleIsSaidOnceItLasts(t *testing.T) {
	for rounds, want := range map[string]string{"n": "", "nn": nobody.Trouble, "nng": "", "nngn": "", "nno": ""} {
		if got := observed(rounds).Trouble; got != want {
			t.Errorf("after %s: %q, want %q", rounds, got, want)
		}
	}
}

func TestOnlyNewsIsNews(t *testing.T) {
	for _, c := range []struct {
		before, after string
		same          bool
	}{
		{"g", "gg", true},
		{"gg", "ggg", false},
		{"ggg", "gggggg", true},
		{"ggg", "gggo", true},
		{"ggg", "gggoo", false},
		{"gggoo", "gggooo", true},
		{"gggb", "gggbb", false},
		{"nn", "nnn", true},
		{"n", "nn", false},
	} {
		if got := observed(c.before).Same(observed(c.after)); got != c.same {
			t.Errorf("from %s to %s: same=%t", c.before, c.after, got)
		}
	}
	for rounds, calm := range map[string]bool{"ggg": true, "gggo": false, "gggb": false, "gg": false, "gggbg": true, "gggn": false} {
		if got := observed(rounds).Calm(); got != calm {
			t.Errorf("after %s: calm=%t", rounds, got)
		}
	}
}

func TestAHostThatIsNoLongerLookedForIsForgotten(t *testing.T) {
	o := observed("ggg").Next(good, []string{"b"})
	if len(o.Hosts) != 1 || o.Hosts["b"].State != v1.HealthUnknown {
		t.Errorf("got %+v", o)
	}
}
