// Package hosts runs what EC2 would run: for each running instance of the model a host, in one of several ways that are
// more or less like the real thing.
package hosts

import (
	"errors"
	"log/slog"
	"sync"

	"usermanagement.dev/stack/lab/cloud"
)

// Mode is a way of running hosts.
type Mode string

// The ways. The zero value is None.
const (
	// None runs nothing: instances are entries of the model.
	None Mode = ""
	// Simulated has each app host answer /health from memory.
	Simulated Mode = "simulated"
	// Process runs the app of each app host as a process of this machine, installed by the host's own user data.
	Process Mode = "process"
	// Nspawn runs each instance as a machine that boots its user data, in a network of its own; see package nspawn.
	Nspawn Mode = "nspawn"
)

// Machine is a host that runs.
type Machine interface {
	// Address is where a port of the host is on this machine; ok is false while nothing listens there.
	Address(port int) (address string, ok bool)
	// Stop shuts the host down and returns when nothing of it is left.
	Stop() error
}

// Launcher is one way of running hosts.
type Launcher interface {
	// Launch boots an instance. An error means that it will never run, as with an image that does not boot.
	Launch(i cloud.Instance) (Machine, error)
}

// Fleet is the hosts of an account.
type Fleet struct {
	cloud        *cloud.Cloud
	launcher     Launcher
	log          *slog.Logger
	subscription *cloud.Subscription
	ended        chan struct{}
	work         sync.WaitGroup

	mu      sync.Mutex
	slots   map[string]*slot // by instance id
	stopped bool
	errs    []error
}

// slot is what shall be and what is of one instance. One goroutine at a time works on it.
type slot struct {
	instance cloud.Instance
	wanted   bool
	busy     bool
	machine  Machine
}

// Follow launches what runs and follows what changes, until Stop. The log gets what does not boot.
func Follow(c *cloud.Cloud, l Launcher, log *slog.Logger) *Fleet {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	f := &Fleet{
		cloud: c, launcher: l, log: log, subscription: c.Subscribe(), ended: make(chan struct{}), slots: map[string]*slot{},
	}
	for _, i := range c.Instances() {
		f.want(i.ID)
	}
	go f.follow()
	return f
}

func (f *Fleet) follow() {
	defer close(f.ended)
	for event := range f.subscription.Events() {
		if event.Kind == cloud.KindInstance {
			f.want(event.ID)
		}
	}
}

// Address is where an instance's port is on this machine; ok is false while nothing listens there.
func (f *Fleet) Address(instanceID string, port int) (address string, ok bool) {
	m, ok := f.Machine(instanceID)
	if !ok {
		return "", false
	}
	return m.Address(port)
}

// Machine is the host of an instance, if it runs.
func (f *Fleet) Machine(instanceID string) (m Machine, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.slots[instanceID]
	if s == nil || s.machine == nil {
		return nil, false
	}
	return s.machine, true
}

// Stop shuts all hosts down and returns when nothing of them is left.
func (f *Fleet) Stop() error {
	f.subscription.Close()
	<-f.ended
	f.mu.Lock()
	f.stopped = true
	for _, s := range f.slots {
		s.wanted = false
		f.advance(s)
	}
	f.mu.Unlock()
	f.work.Wait()
	return errors.Join(f.errs...)
}

// want looks at what the model says of an instance.
func (f *Fleet) want(id string) {
	instance, known := f.cloud.Instance(id)
	running := known && instance.State == "running"
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.slots[id]
	if f.stopped || s == nil && !running {
		return
	}
	if s == nil {
		s = &slot{}
		f.slots[id] = s
	}
	if running && !s.wanted {
		s.instance = instance
	}
	if s.wanted != running {
		s.wanted = running
		f.advance(s)
	}
}

// advance has a goroutine bring a slot to what is wanted, unless one is at it. The lock must be held.
func (f *Fleet) advance(s *slot) {
	if s.busy {
		return
	}
	s.busy = true
	f.work.Go(func() {
		for f.step(s) {
			continue
		}
	})
}

// step launches or stops, and reports whether it is to be called again.
func (f *Fleet) step(s *slot) bool {
	f.mu.Lock()
	wanted, machine, instance := s.wanted, s.machine, s.instance
	if wanted == (machine != nil) {
		s.busy = false
		f.mu.Unlock()
		return false
	}
	if !wanted {
		s.machine = nil
	}
	f.mu.Unlock()
	if wanted {
		return f.launch(s, instance)
	}
	if err := machine.Stop(); err != nil {
		f.mu.Lock()
		f.errs = append(f.errs, err)
		f.mu.Unlock()
	}
	return true
}

func (f *Fleet) launch(s *slot, instance cloud.Instance) bool {
	machine, err := f.launcher.Launch(instance)
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil {
		f.log.Error("an instance does not boot", "instance", instance.ID, "error", err.Error())
		s.busy = false
		return false
	}
	s.machine = machine
	return true
}
