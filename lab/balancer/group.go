package balancer

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"usermanagement.dev/stack/lab/cloud"
)

// key names a target: an instance and its port.
type key struct {
	id   string
	port int
}

// String has the form of a host and port.
func (k key) String() string { return net.JoinHostPort(k.id, strconv.Itoa(k.port)) }

func parseKey(text string) (key, error) {
	id, port, err := net.SplitHostPort(text)
	if err != nil {
		return key{}, err
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return key{}, fmt.Errorf("the port of %s: %w", text, err)
	}
	return key{id, number}, nil
}

// unverified is TLS to a target, of whose certificate a load balancer takes no notice.
func unverified() *tls.Config { return &tls.Config{InsecureSkipVerify: true} } //nolint:gosec // as AWS does it

// group is a target group in use.
type group struct {
	options Options
	state   atomic.Pointer[groupState]
	next    atomic.Uint64

	mu      sync.Mutex
	targets map[key]*target
}

// groupState is what requests and checks depend on besides the targets.
type groupState struct {
	arn, scheme string
	idle        time.Duration
	transport   http.RoundTripper
	health      cloud.HealthCheck
	// serving are the targets that are not draining, in the order of their registration.
	serving []*target
}

func newGroup(o Options) *group { return &group{options: o, targets: map[key]*target{}} }

// update takes over what the model says now.
func (g *group) update(description cloud.TargetGroup, idle time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	state := &groupState{
		arn: description.ARN, scheme: strings.ToLower(description.Protocol), idle: idle, health: description.Health,
	}
	if old := g.state.Load(); old != nil && old.idle == idle {
		state.transport = old.transport
	} else {
		state.transport = newTransport(g.options, idle)
	}
	delay := g.options.paced(deregistrationDelay(description), leastDelay)
	registered := map[key]bool{}
	for _, described := range description.Targets {
		k := key{described.ID, described.Port}
		if described.Health == "draining" {
			continue
		}
		registered[k] = true
		if g.targets[k] == nil {
			g.targets[k] = newTarget(k)
		}
		state.serving = append(state.serving, g.targets[k])
	}
	g.state.Store(state) // before the first check of a new target reads it
	for k, t := range g.targets {
		if !registered[k] {
			delete(g.targets, k)
			t.leave(delay)
			continue
		}
		t.startChecks(g)
	}
}

// leastDelay keeps a shortened deregistration delay long enough for an ordinary request.
const leastDelay = 2 * time.Second

// deregistrationDelay is how long a target that leaves may finish its requests.
func deregistrationDelay(description cloud.TargetGroup) time.Duration {
	seconds, err := strconv.Atoi(description.Attributes["deregistration_delay.timeout_seconds"])
	if err != nil {
		seconds = 300 // AWS's default
	}
	return time.Duration(seconds) * time.Second
}

// pick is the next healthy target in turn; of all targets if none is healthy; nil without any.
func (g *group) pick() *target {
	serving := g.state.Load().serving
	if len(serving) == 0 {
		return nil
	}
	turn := int(g.next.Add(1) % uint64(len(serving))) //nolint:gosec // less than the length
	for i := range serving {
		if t := serving[(turn+i)%len(serving)]; t.healthy.Load() {
			return t
		}
	}
	return serving[turn]
}

// stop ends all checks and requests.
func (g *group) stop() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for k, t := range g.targets {
		delete(g.targets, k)
		t.leave(0)
	}
}
