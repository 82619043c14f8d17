package hosts

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"

	"usermanagement.dev/stack/internal/hostcontract"
	"usermanagement.dev/stack/internal/userdata"
	"usermanagement.dev/stack/lab/cloud"
)

// Behaviour is how a simulated host behaves.
type Behaviour string

// The behaviours.
const (
	// Healthy answers /health with 200.
	Healthy Behaviour = "healthy"
	// Unhealthy answers /health with 503: it runs, and cannot serve.
	Unhealthy Behaviour = "unhealthy"
	// Silent takes a request and never answers it.
	Silent Behaviour = "silent"
	// Crashed ends every connection without an answer.
	Crashed Behaviour = "crashed"
)

// Facts are what a script decides by.
type Facts struct {
	// InstanceID is EC2's, HostID what the host calls itself.
	InstanceID, HostID string
	// Version and SHA256 are those of the release in the host's user data.
	Version, SHA256 string
	// Zone is the availability zone.
	Zone string
}

// Script says how a host behaves now; it is asked at each request.
type Script func(Facts) Behaviour

// Simulation runs app hosts that exist only as far as a load balancer sees them: each answers /health with the document
// that its app would answer, and anything else with 200. On other instances nothing listens.
type Simulation struct {
	mu     sync.Mutex
	script Script
}

// NewSimulation makes a simulation in which every host is healthy.
func NewSimulation() *Simulation { return &Simulation{} }

// Play has hosts behave as a script says from now on; nil makes all of them healthy.
func (s *Simulation) Play(script Script) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.script = script
}

func (s *Simulation) behaviour(f Facts) Behaviour {
	s.mu.Lock()
	script := s.script
	s.mu.Unlock()
	if script == nil {
		return Healthy
	}
	return script(f)
}

// Launch implements Launcher.
func (s *Simulation) Launch(i cloud.Instance) (Machine, error) {
	config, err := ReadUserData(i)
	if err != nil {
		return nil, err
	}
	if !config.AppHost() {
		return deaf{}, nil
	}
	release, err := config.Environment(userdata.ReleaseEnvironment)
	if err != nil {
		return nil, fmt.Errorf("instance %s: %w", i.ID, err)
	}
	var listen net.ListenConfig
	socket, err := listen.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for instance %s: %w", i.ID, err)
	}
	m := &simulated{simulation: s, socket: socket, facts: Facts{
		InstanceID: i.ID, HostID: hostcontract.HostID(i.ID), Zone: i.Zone,
		Version: release["RELEASE_VERSION"], SHA256: release["RELEASE_SHA256"],
	}}
	m.server = &http.Server{Handler: m, ReadHeaderTimeout: time.Minute, ErrorLog: log.New(io.Discard, "", 0)}
	go m.server.Serve(socket) //nolint:errcheck // ends with the server
	return m, nil
}

// deaf is a machine on which nothing listens.
type deaf struct{}

// Address implements Machine.
func (deaf) Address(int) (string, bool) { return "", false }

// Stop implements Machine.
func (deaf) Stop() error { return nil }

// simulated is a host in memory.
type simulated struct {
	simulation *Simulation
	socket     net.Listener
	server     *http.Server
	facts      Facts
}

// Address implements Machine: whatever port the app is asked for on, there is only one.
func (m *simulated) Address(int) (string, bool) { return m.socket.Addr().String(), true }

// Stop implements Machine.
func (m *simulated) Stop() error { return m.server.Close() }

// ServeHTTP answers as the script says.
func (m *simulated) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	behaviour := m.simulation.behaviour(m.facts)
	switch behaviour {
	case Silent:
		<-r.Context().Done()
		return
	case Crashed:
		panic(http.ErrAbortHandler) // net/http's way to end a connection
	default:
	}
	health := hostcontract.Health{
		Status: hostcontract.StatusOK, Version: m.facts.Version, Host: m.facts.HostID, Zone: m.facts.Zone,
		Checks: map[string]hostcontract.Check{
			hostcontract.CheckDatabase: {Status: hostcontract.StatusOK}, hostcontract.CheckSchema: {Status: hostcontract.StatusOK},
		},
	}
	status := http.StatusOK
	if r.URL.Path == hostcontract.HealthPath && behaviour == Unhealthy {
		health.Status, status = hostcontract.StatusFailing, http.StatusServiceUnavailable
		health.Checks[hostcontract.CheckDatabase] = hostcontract.Check{Status: hostcontract.StatusFailing, Reason: "unreachable"}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(health); err != nil {
		return // the client has gone
	}
}
