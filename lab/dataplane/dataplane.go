// Package dataplane puts together what traffic meets in the lab: hosts for the instances of the model, load balancers in
// front of them, the certificates that they present, the names that lead to them, and the proxy through which programs
// use these names.
package dataplane

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"usermanagement.dev/stack/lab/awsapi"
	"usermanagement.dev/stack/lab/balancer"
	"usermanagement.dev/stack/lab/cloud"
	"usermanagement.dev/stack/lab/dns"
	"usermanagement.dev/stack/lab/hosts"
	"usermanagement.dev/stack/lab/internal/pki"
	"usermanagement.dev/stack/lab/network"
	"usermanagement.dev/stack/lab/nspawn"
	"usermanagement.dev/stack/lab/origin"
	"usermanagement.dev/stack/lab/proxy"
	"usermanagement.dev/stack/lab/rds"
	"usermanagement.dev/stack/lab/scratch"
)

// Options say what to run.
type Options struct {
	// Cloud is the account; made with HealthReported, because targets are really checked.
	Cloud *cloud.Cloud
	// Dir is for authorities and hosts; a temporary folder if empty, which Stop removes.
	Dir string
	// Hosts is how hosts are run.
	Hosts hosts.Mode
	// Image is what machines boot from, made by nspawn.Image; only for hosts.Nspawn.
	Image string
	// Pace scales health check intervals and deregistration delays; 0 means 1, AWS's own.
	Pace float64
	// PublicURL is what browsers are to use for the address that people type; the same if nil.
	PublicURL func(url string) string
	// Log gets what cannot be served; nothing if nil.
	Log *slog.Logger
}

// DataPlane is a running data plane.
type DataPlane struct {
	// Simulation scripts the hosts; nil unless they are simulated.
	Simulation *hosts.Simulation
	// Processes are the hosts' processes, Databases the database servers; nil unless hosts are processes.
	Processes *hosts.Processes
	// Machines are the hosts' machines, and Network is what they are in; nil unless hosts are machines.
	Machines  *nspawn.Machines
	Network   *network.Network
	Databases *rds.Databases
	// Releases are the binaries that hosts can fetch.
	Releases *origin.Releases
	// Fleet is the hosts.
	Fleet *hosts.Fleet
	// Balancers are the load balancers.
	Balancers *balancer.Balancers
	// Resolver knows where names lead.
	Resolver *dns.Resolver

	options   Options
	temporary *scratch.Folder // nil if the folder is somebody's own
	public    *pki.Authority
	origin    *origin.Origin
	accounts  *awsapi.Accounts
	edge      *edge
	// Proxy is how programs reach the names of the lab.
	Proxy *proxy.Proxy

	mu     sync.Mutex
	issued map[string]tls.Certificate // by the certificate's ARN
}

// Start runs a data plane until Stop.
func Start(o Options) (*DataPlane, error) {
	d := &DataPlane{options: o, issued: map[string]tls.Certificate{}}
	if err := d.start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start the data plane: %w", err), d.Stop())
	}
	return d, nil
}

func (d *DataPlane) start() error {
	err := d.makeFolder()
	if err != nil {
		return err
	}
	if d.public, err = pki.LoadOrCreate(d.file("public-authority"), "Lab public authority"); err != nil {
		return err
	}
	d.Resolver = dns.NewResolver(d.options.Cloud)
	if d.Proxy, err = proxy.Start(d.Resolver.ResolveAddress); err != nil {
		return err
	}
	if err := d.startOrigin(); err != nil {
		return err
	}
	launcher, err := d.launcher()
	if err != nil {
		return err
	}
	d.Fleet = hosts.Follow(d.options.Cloud, launcher, d.options.Log)
	d.startBalancers()
	return nil
}

// startBalancers runs load balancers on this machine, or in the network if there is one.
func (d *DataPlane) startBalancers() {
	o := balancer.Options{
		Cloud: d.options.Cloud, Target: d.Fleet.Address, Certificate: d.certificate, Pace: d.options.Pace, Log: d.options.Log,
	}
	if d.Network == nil {
		d.Balancers = balancer.Start(o)
		d.Resolver.Add(d.Balancers.Address)
		return
	}
	o.Listen, o.Dial = d.listen, d.Network.DialTarget
	d.Balancers = balancer.Start(o)
	d.Resolver.Add(d.edge.Address)
}

func (d *DataPlane) makeFolder() error {
	if d.options.Dir != "" {
		if err := os.MkdirAll(d.options.Dir, 0o700); err != nil {
			return fmt.Errorf("make a folder: %w", err)
		}
		return nil
	}
	made, err := scratch.New("dataplane")
	if err != nil {
		return err
	}
	d.options.Dir, d.temporary = made.Path, made
	return nil
}

func (d *DataPlane) file(name string) string { return filepath.Join(d.options.Dir, name) }

// launcher is the way in which hosts are run.
func (d *DataPlane) launcher() (hosts.Launcher, error) {
	switch d.options.Hosts {
	case hosts.Simulated:
		d.Simulation = hosts.NewSimulation()
		return d.Simulation, nil
	case hosts.Process:
		return d.processes()
	case hosts.Nspawn:
		return d.machines()
	default:
		return nil, fmt.Errorf("hosts cannot be run as %q: use %s, %s or %s", d.options.Hosts, hosts.Simulated, hosts.Process, hosts.Nspawn)
	}
}

// ProxyURL is the proxy through which the lab's names lead somewhere.
func (d *DataPlane) ProxyURL() string { return d.Proxy.URL() }

// CA is the PEM of the authority that stands for those which the world trusts.
func (d *DataPlane) CA() []byte { return d.public.PEM() }

// Dir is where hosts have their folders and logs.
func (d *DataPlane) Dir() string { return d.file("hosts") }

func (d *DataPlane) log() *slog.Logger {
	if d.options.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return d.options.Log
}

// CAFile is the file that holds CA.
func (d *DataPlane) CAFile() string { return filepath.Join(d.file("public-authority"), "ca.crt") }

// certificate is what a load balancer presents for a certificate of the model. Its key is made here: AWS never shows it.
func (d *DataPlane) certificate(arn string) (tls.Certificate, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if issued, ok := d.issued[arn]; ok {
		return issued, nil
	}
	for _, c := range d.options.Cloud.Certificates() {
		if c.ARN != arn || c.Status != "ISSUED" {
			continue
		}
		pair, err := d.public.Server(c.Names...)
		if err != nil {
			return tls.Certificate{}, err
		}
		issued, err := pair.TLS()
		if err == nil {
			d.issued[arn] = issued
		}
		return issued, err
	}
	return tls.Certificate{}, fmt.Errorf("there is no issued certificate %s", arn)
}

// Stop ends everything. It may be called on what has started only in part.
func (d *DataPlane) Stop() error {
	var errs []error
	if d.Processes != nil {
		d.Processes.Hurry()
	}
	if d.Machines != nil {
		d.Machines.Hurry()
	}
	if d.Balancers != nil {
		errs = append(errs, d.Balancers.Stop())
	}
	if d.Fleet != nil {
		errs = append(errs, d.Fleet.Stop())
	}
	if d.edge != nil {
		errs = append(errs, d.edge.Stop())
	}
	if d.Databases != nil {
		errs = append(errs, d.Databases.Stop())
	}
	if d.origin != nil {
		errs = append(errs, d.origin.Stop())
	}
	if d.Proxy != nil {
		errs = append(errs, d.Proxy.Stop())
	}
	if d.Network != nil {
		errs = append(errs, d.Network.Stop())
	}
	errs = append(errs, d.temporary.Remove())
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("stop the data plane: %w", err)
	}
	return nil
}
