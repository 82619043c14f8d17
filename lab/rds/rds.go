// Package rds runs a database server for each DB instance of the model, with the name, the master user and the password that
// RDS would have given it, and a certificate of RDS's authority. It is a MariaDB, also in place of MySQL unless there is one
// (database.MySQLVariable). Only TLS is let in. A password that is rotated in the model is rotated in the server.
package rds

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"usermanagement.dev/stack/lab/cloud"
	"usermanagement.dev/stack/lab/database"
	"usermanagement.dev/stack/lab/internal/pki"
	"usermanagement.dev/stack/lab/loopback"
)

// Options say what to run.
type Options struct {
	// Cloud is the account.
	Cloud *cloud.Cloud
	// Authority signs the servers' certificates.
	Authority *pki.Authority
	// Dir is where the servers keep their data.
	Dir string
	// Log gets what does not work; nothing if nil.
	Log *slog.Logger
}

// Databases are the servers of an account.
type Databases struct {
	options      Options
	subscription *cloud.Subscription
	ended        chan struct{}
	work         sync.WaitGroup

	mu      sync.Mutex
	servers map[string]*server // by the DB instance's ARN
	errs    []error
}

// Follow runs a server for each DB instance that has an endpoint, until Stop.
func Follow(o Options) *Databases {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	d := &Databases{options: o, subscription: o.Cloud.Subscribe(), ended: make(chan struct{}), servers: map[string]*server{}}
	d.sync()
	go d.follow()
	return d
}

func (d *Databases) follow() {
	defer close(d.ended)
	for event := range d.subscription.Events() {
		if event.Kind == cloud.KindDBInstance {
			d.sync()
		}
	}
}

// sync has each server brought to what the model says now.
func (d *Databases) sync() {
	d.mu.Lock()
	defer d.mu.Unlock()
	present := map[string]bool{}
	for _, instance := range d.options.Cloud.DBInstances() {
		if instance.Endpoint == "" {
			continue
		}
		present[instance.ARN] = true
		s := d.servers[instance.ARN]
		if s == nil {
			made, err := newServer(d.options, instance)
			if err != nil {
				d.options.Log.Error("cannot run a database", "instance", instance.Identifier, "error", err.Error())
				continue
			}
			s = made
			d.servers[instance.ARN] = s
		}
		d.work.Go(func() { d.settle(s, instance) })
	}
	for arn, s := range d.servers {
		if !present[arn] {
			delete(d.servers, arn)
			d.work.Go(func() { d.note(s.remove()) })
		}
	}
}

// settleTimeout bounds what a server may take to start and to take a password.
const settleTimeout = 2 * time.Minute

func (d *Databases) settle(s *server, instance cloud.DBInstance) {
	ctx, cancel := context.WithTimeout(context.Background(), settleTimeout)
	defer cancel()
	if err := s.settle(ctx, instance); err != nil {
		d.options.Log.Error("a database is not as it should be", "instance", instance.Identifier, "error", err.Error())
	}
}

func (d *Databases) note(err error) {
	if err != nil {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.errs = append(d.errs, err)
	}
}

// Address implements dns.Source. A database has its address before it answers there, as in RDS.
func (d *Databases) Address(name string, port int) (address string, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range d.servers {
		if s.endpoint == name && s.port == port {
			return s.address(), true
		}
	}
	return "", false
}

// Stop ends all servers and removes their data.
func (d *Databases) Stop() error {
	d.subscription.Close()
	<-d.ended
	d.work.Wait()
	for _, s := range d.servers {
		d.errs = append(d.errs, s.remove())
	}
	return errors.Join(d.errs...)
}

// Outage ends a database's server, as a failed machine does; its data stays. End starts it again.
func (d *Databases) Outage(identifier string) (end func(context.Context) error, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range d.servers {
		if s.identifier == identifier {
			return s.start, s.stop()
		}
	}
	return nil, fmt.Errorf("there is no running database %q", identifier)
}

// Disconnect ends all connections of a database's clients, as a failover does; it first waits until the server has the
// password that the model has.
func (d *Databases) Disconnect(ctx context.Context, identifier string) error {
	d.mu.Lock()
	var found *server
	for _, s := range d.servers {
		if s.identifier == identifier {
			found = s
		}
	}
	d.mu.Unlock()
	if found == nil {
		return fmt.Errorf("there is no running database %q", identifier)
	}
	for _, instance := range d.options.Cloud.DBInstances() {
		if instance.Identifier == identifier {
			return errors.Join(found.settle(ctx, instance), found.disconnect(ctx))
		}
	}
	return nil
}

// server is the server of one DB instance. It keeps its port as long as it lives.
type server struct {
	identifier, endpoint string
	port                 int // the one that clients ask for
	options              database.Options

	mu       sync.Mutex
	running  *database.Server
	wanted   cloud.DBInstance
	password string // the one that the server has
	out      bool   // between Outage and its end
	removed  bool
}

func newServer(o Options, i cloud.DBInstance) (*server, error) {
	dir := filepath.Join(o.Dir, i.Region+"-"+i.Identifier)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make a folder for database %s: %w", i.Identifier, err)
	}
	// Clients on this machine cannot resolve the endpoint and go by the address; the certificate is good for both.
	pair, err := o.Authority.Server(i.Endpoint, "127.0.0.1")
	if err != nil {
		return nil, err
	}
	s := &server{identifier: i.Identifier, endpoint: i.Endpoint, port: i.Port, options: database.Options{
		Engine: i.Engine, Dir: filepath.Join(dir, "server"),
		CertificateFile: filepath.Join(dir, "server.crt"), KeyFile: filepath.Join(dir, "server.key"),
	}}
	if err := pair.Write(s.options.CertificateFile, s.options.KeyFile); err != nil {
		return nil, err
	}
	s.options.Port, err = loopback.FreePort(context.Background())
	return s, err
}

func (s *server) address() string { return loopback.Address(s.options.Port) }

// settle starts the server unless it is kept from running, and has it take the password that the model has.
func (s *server) settle(ctx context.Context, i cloud.DBInstance) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wanted = i
	return s.apply(ctx)
}

func (s *server) apply(ctx context.Context) error {
	if s.removed || s.out {
		return nil
	}
	if s.running == nil {
		running, err := database.Start(ctx, s.options)
		if err != nil {
			return fmt.Errorf("start database %s: %w", s.identifier, err)
		}
		s.running = running
	}
	if s.password == s.wanted.Password() {
		return nil
	}
	if err := s.running.CreateDatabase(ctx, s.wanted.DBName); err != nil {
		return err
	}
	if err := s.running.AddTLSAccount(ctx, s.wanted.MasterUsername, s.wanted.Password()); err != nil {
		return err
	}
	s.password = s.wanted.Password()
	return nil
}

// start ends an outage.
func (s *server) start(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.out = false
	return s.apply(ctx)
}

// stop begins an outage.
func (s *server) stop() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.out = true
	if s.running == nil {
		return nil
	}
	err := s.running.Stop()
	s.running = nil
	return err
}

func (s *server) disconnect(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running == nil {
		return nil
	}
	return s.running.KillAccount(ctx, s.wanted.MasterUsername)
}

// remove ends the server for good.
func (s *server) remove() error {
	err := s.stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.removed = true
	return errors.Join(err, os.RemoveAll(filepath.Dir(s.options.Dir)))
}
