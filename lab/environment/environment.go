// Package environment puts the lab together: a real control plane, a model of an AWS account, and controllers that behave
// like ACK between the two. Tests and the demo start the same one.
package environment

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"usermanagement.dev/stack/lab/acksim"
	"usermanagement.dev/stack/lab/cloud"
	"usermanagement.dev/stack/lab/controlplane"
	"usermanagement.dev/stack/lab/dataplane"
	"usermanagement.dev/stack/lab/hosts"
	"usermanagement.dev/stack/lab/nspawn"
)

// Options say what to start. The zero value is an environment without latency in a temporary folder.
type Options struct {
	// DataDir holds the control plane's state while the lab runs; a temporary folder if empty. It is removed with the lab:
	// the account in the cloud does not outlive it either.
	DataDir string
	// CRDs are files and folders of definitions to install.
	CRDs []string
	// Latencies are how long AWS takes.
	Latencies cloud.Latencies
	// Pace scales ACK's own waiting times.
	Pace acksim.Pace
	// Without lists services whose ACK controller is not running.
	Without []string
	// Hosts is how instances are run. With hosts.None, the zero value, there is no data plane either: nothing listens
	// anywhere, and targets become healthy by themselves.
	Hosts hosts.Mode
	// HealthPace scales what load balancers wait for: health check intervals and deregistration delays. 0 means 1, AWS's
	// own times.
	HealthPace float64
	// Domain is the name of the hosted zone; Domain if empty.
	Domain string
	// PublicURL is what browsers are to use for the address that people type, see dataplane.Options; the same if nil.
	PublicURL func(url string) string
	// HostsDir holds authorities and hosts; a temporary folder if empty, removed with the lab.
	HostsDir string
	// Audit has the API server log every request, so that they can be counted.
	Audit bool
	// Progress gets a line for whatever takes long.
	Progress io.Writer
	// Log receives what ACK would log; nothing if nil.
	Log *slog.Logger
}

// Environment is a running lab.
type Environment struct {
	// ControlPlane is the Kubernetes API.
	ControlPlane *controlplane.ControlPlane
	// Cloud is the AWS account.
	Cloud *cloud.Cloud
	// DataPlane is what traffic meets: its names are reached through the proxy DataPlane.ProxyURL and trusted by
	// DataPlane.CA, its simulated hosts follow DataPlane.Simulation. Nil without hosts.
	DataPlane *dataplane.DataPlane
	// Zone is the id of the hosted zone of Options.Domain, which the account has from the start.
	Zone string

	stop  context.CancelFunc
	ended chan error
}

// Domain is the name of the hosted zone that the account has from the start.
const Domain = "example.com"

// syncTimeout bounds the wait for the controllers' caches.
const syncTimeout = time.Minute

// Start starts a lab and returns when the controllers are at work. The context bounds the start only.
func Start(ctx context.Context, o Options) (*Environment, error) {
	plane, err := controlplane.Start(ctx, controlplane.Options{
		DataDir: o.DataDir, Discard: true, Audit: o.Audit, Progress: o.Progress,
	})
	if err != nil {
		return nil, err
	}
	account := cloud.New(cloud.Options{Latencies: o.Latencies, HealthReported: o.Hosts != hosts.None})
	e := &Environment{ControlPlane: plane, Cloud: account, ended: make(chan error, 1)}
	if err := e.start(ctx, o); err != nil {
		return nil, errors.Join(fmt.Errorf("start the lab: %w", err), e.Stop())
	}
	return e, nil
}

func (e *Environment) start(ctx context.Context, o Options) error {
	if err := controlplane.InstallCRDs(ctx, e.ControlPlane.Config(), o.CRDs...); err != nil {
		return err
	}
	zone, err := e.Cloud.AddHostedZone(cmp.Or(o.Domain, Domain))
	if err != nil {
		return fmt.Errorf("make the hosted zone: %w", err)
	}
	e.Zone = zone
	image := ""
	if o.Hosts == hosts.Nspawn {
		if image, err = nspawn.Image(ctx, o.Progress); err != nil {
			return err
		}
	}
	if o.Hosts != hosts.None {
		e.DataPlane, err = dataplane.Start(dataplane.Options{
			Cloud: e.Cloud, Dir: o.HostsDir, Hosts: o.Hosts, Image: image, Pace: o.HealthPace,
			PublicURL: o.PublicURL, Log: o.Log,
		})
		if err != nil {
			return err
		}
	}
	config, err := e.ControlPlane.UserConfig("ack", "system:masters")
	if err != nil {
		return err
	}
	config.QPS = -1
	simulator, err := acksim.New(config, e.Cloud, acksim.Options{Pace: o.Pace, Without: o.Without, Log: o.Log})
	if err != nil {
		return err
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	e.stop = stop
	go func() { e.ended <- simulator.Start(running) }()
	synced, cancel := context.WithTimeout(ctx, syncTimeout)
	defer cancel()
	return simulator.WaitForSync(synced)
}

// Stop ends everything; what was in a temporary folder is gone.
func (e *Environment) Stop() error {
	if e.stop != nil {
		e.stop()
		<-e.ended //nolint:errcheck // it was told to end
	}
	var err error
	if e.DataPlane != nil {
		err = e.DataPlane.Stop()
	}
	return errors.Join(err, e.ControlPlane.Stop())
}
