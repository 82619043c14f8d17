// Package demo shows the product on one machine: the lab, the operator installed from its Helm chart, and a sample stack
// that becomes Ready before one's eyes.
package demo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"usermanagement.dev/stack/controllers"
	"usermanagement.dev/stack/internal/present"
	"usermanagement.dev/stack/lab/environment"
)

// ErrInterrupted is what Run returns when it was ended before it had shown the stack.
var ErrInterrupted = errors.New("interrupted")

// demo is one run.
type demo struct {
	options  Options
	console  *Console
	folder   *folder
	lab      *environment.Environment
	log      *os.File
	client   client.Client
	operator *operator
	sample   *sample
	site     site
}

// Run shows the demo until the context ends or, with Options.Once, until the stack is shown. What it started is gone
// when it returns.
func Run(ctx context.Context, options Options) (err error) {
	if err := options.settle(); err != nil {
		return err
	}
	d := &demo{options: options, console: NewConsole(options.Out, options.Terminal, time.Now)}
	defer func() { err = errors.Join(err, d.cleanUp()) }()
	err = d.show(ctx)
	if err == nil {
		return nil
	}
	d.console.Failed()
	if ctx.Err() != nil {
		return ErrInterrupted
	}
	return err
}

// show does everything but the cleaning up.
func (d *demo) show(ctx context.Context) error {
	d.console.Say("\n  %s  on this machine, without an AWS account\n\n", d.console.style.Strong("User Management Stack"))
	if err := d.claimFolder(ctx); err != nil {
		return err
	}
	if err := d.startLab(ctx); err != nil {
		return err
	}
	if err := d.startProduct(ctx); err != nil {
		return err
	}
	watched, cancel := d.watch(ctx)
	defer cancel()
	if err := d.followSample(watched); err != nil {
		return err
	}
	if err := d.showSite(watched); err != nil {
		return err
	}
	if d.options.Once {
		return nil
	}
	d.console.Say("%s", d.guide())
	<-watched.Done()
	if ctx.Err() == nil {
		return context.Cause(watched)
	}
	d.console.Say("\n  cleaning up")
	return nil
}

func (d *demo) claimFolder(ctx context.Context) error {
	f, removed, err := claim(ctx, d.options.StateDir)
	if err != nil {
		return err
	}
	d.folder = f
	if removed > 0 {
		d.console.Say("    what %d earlier demo(s) had left behind is removed", removed)
	}
	return nil
}

// startLab brings up the control plane and what stands in the place of ACK and AWS.
func (d *demo) startLab(ctx context.Context) error {
	d.console.Begin("control plane")
	crds, err := environment.ACKCRDs(d.options.Root)
	if err != nil {
		return err
	}
	d.log, err = os.OpenFile(d.folder.file("ack.log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("open ACK's log: %w", err)
	}
	// The libraries' own logs have no place on the screen.
	logger := slog.New(slog.NewJSONHandler(d.log, nil))
	klog.SetSlogLogger(logger)
	log.SetLogger(logr.FromSlogHandler(logger.Handler()))
	chosen := latencies[d.options.Latency]()
	d.lab, err = environment.Start(ctx, environment.Options{
		DataDir: d.folder.file("controlplane"), CRDs: []string{crds}, Latencies: chosen.times, Pace: chosen.pace,
		Progress: d.console.Notes(), Log: logger, Domain: domain, Hosts: d.options.Hosts, HealthPace: chosen.health,
		HostsDir: d.folder.file("dataplane"), PublicURL: func(string) string { return d.site.url },
	})
	if err != nil {
		return err
	}
	if err := d.lab.ControlPlane.WriteKubeconfig(d.folder.file("kubeconfig")); err != nil {
		return err
	}
	d.console.Done("etcd and kube-apiserver; ACK imitated, %s", chosen.about)
	return d.startCollector(ctx)
}

// startCollector starts what deletes in a cluster beside people and the operator, if that was asked for.
func (d *demo) startCollector(ctx context.Context) error {
	if !d.options.ControllerManager {
		return nil
	}
	d.console.Begin("kube-controller-manager")
	if err := d.lab.ControlPlane.StartControllerManager(ctx); err != nil {
		return err
	}
	d.console.Done("with its garbage collector and namespace controller")
	return nil
}

// startProduct installs and runs the operator, and applies the sample.
func (d *demo) startProduct(ctx context.Context) error {
	d.console.Begin("Helm chart")
	if err := d.install(ctx); err != nil {
		return err
	}
	d.console.Done("%s, installed in the namespace %s", release, operatorNamespace)
	scheme, err := controllers.Scheme()
	if err != nil {
		return err
	}
	config := d.lab.ControlPlane.Config()
	config.QPS = -1
	if d.client, err = client.New(config, client.Options{Scheme: scheme}); err != nil {
		return fmt.Errorf("make a client: %w", err)
	}
	if err := d.prepareSite(ctx); err != nil {
		return err
	}
	d.console.Begin("operator")
	if err := d.startOperator(ctx, d.lab.ControlPlane); err != nil {
		return err
	}
	d.console.Done("a process with the rights of %s", d.operator.account)
	d.console.Begin("stack " + d.sample.object.GetNamespace() + "/" + d.sample.object.GetName())
	if err := d.apply(ctx); err != nil {
		return err
	}
	d.console.Done("applied %s", relative(d.options.Root, d.sample.path))
	for _, note := range d.sample.notes {
		d.console.Say("%s", d.console.style.Note(note))
	}
	return nil
}

// watch ends the context it returns when something that the demo stands on has ended; its cause says what.
func (d *demo) watch(ctx context.Context) (context.Context, context.CancelFunc) {
	watched, fail := context.WithCancelCause(ctx)
	go func() {
		select {
		case <-d.operator.process.Done():
			fail(d.operator.died())
		case <-d.lab.ControlPlane.Done():
			fail(d.lab.ControlPlane.Err())
		case <-watched.Done():
		}
	}()
	return watched, func() { fail(nil) }
}

func (d *demo) followSample(ctx context.Context) error {
	limited, cancel := context.WithTimeoutCause(ctx, d.options.Timeout,
		fmt.Errorf("the stack is not Ready after %s; --timeout waits longer", d.options.Timeout))
	defer cancel()
	f := &follower{client: d.client, key: client.ObjectKeyFromObject(d.sample.object), console: d.console}
	begun := time.Now()
	stack, objects, err := f.follow(limited)
	if err != nil {
		// What ended the wait says more than the request that it cut off.
		if limited.Err() != nil && ctx.Err() == nil {
			return errors.Join(context.Cause(limited), blocked(stack))
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return err
	}
	d.console.Draw("\n    " + d.console.style.Strong("Ready") +
		fmt.Sprintf(", %d resources, after %s\n\n", len(objects), took(time.Since(begun))))
	d.console.Say("%s", indent(present.Tree(stack, objects, time.Now(), d.console.style.Narrower(2))))
	d.console.Say("%s", "\n"+indent(present.Endpoints(stack, d.console.style.Narrower(2))))
	return nil
}

// cleanUp ends everything, in the reverse order of its start.
func (d *demo) cleanUp() error {
	if d.folder == nil {
		return nil
	}
	errs := []error{d.operator.stop(), d.site.close()}
	if d.lab != nil {
		errs = append(errs, d.lab.Stop())
	}
	if d.log != nil {
		errs = append(errs, d.log.Close())
	}
	errs = append(errs, d.folder.release())
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("clean up: %w", err)
	}
	return nil
}
