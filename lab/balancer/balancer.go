// Package balancer is the data plane of Elastic Load Balancing: for each active application load balancer of the model it
// really listens, on loopback, and does with requests what listeners, target groups and attributes say. It reports what
// its health checks find, and otherwise changes nothing.
//
// Of time, Options.Pace scales what people configure in order to wait: health check intervals and deregistration delays.
// Timeouts are never shortened, because neither this machine nor the app answers any faster than elsewhere.
package balancer

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"

	"usermanagement.dev/stack/lab/cloud"
)

// Options say what the balancers stand on.
type Options struct {
	// Cloud holds what shall be, and is told of the targets' health. It should have been made with HealthReported.
	Cloud *cloud.Cloud
	// Target is where an instance's port is on this machine; ok is false while nothing listens there.
	Target func(instanceID string, port int) (address string, ok bool)
	// Listen opens a port of a load balancer; nil opens a free one of loopback instead, which Address tells.
	Listen func(lb cloud.LoadBalancer, port int) (net.Listener, error)
	// Dial connects to an instance at the address that Target gave; nil does so from this machine.
	Dial func(ctx context.Context, instanceID, address string) (net.Conn, error)
	// Certificate is the certificate with its key of an ARN of the model.
	Certificate func(arn string) (tls.Certificate, error)
	// Pace scales health check intervals and deregistration delays; 0 means 1, AWS's own.
	Pace float64
	// Log gets what cannot be served; nothing if nil.
	Log *slog.Logger
}

// Balancers are all load balancers of an account.
type Balancers struct {
	options      Options
	subscription *cloud.Subscription
	ended        chan struct{}

	mu     sync.Mutex
	fronts map[string]*front // by the ARN of the listener
	groups map[string]*group // by ARN
}

// Start serves what there is and follows what changes, until Stop.
func Start(o Options) *Balancers {
	if o.Pace == 0 {
		o.Pace = 1
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Listen == nil {
		o.Listen = onLoopback
	}
	if o.Dial == nil {
		dialer := &net.Dialer{Timeout: connectTimeout}
		o.Dial = func(ctx context.Context, _, address string) (net.Conn, error) {
			return dialer.DialContext(ctx, "tcp", address)
		}
	}
	b := &Balancers{
		options: o, subscription: o.Cloud.Subscribe(), ended: make(chan struct{}),
		fronts: map[string]*front{}, groups: map[string]*group{},
	}
	b.sync()
	go b.follow()
	return b
}

// follow looks again whenever something changed that a request depends on.
func (b *Balancers) follow() {
	defer close(b.ended)
	for event := range b.subscription.Events() {
		switch event.Kind {
		case cloud.KindLoadBalancer, cloud.KindListener, cloud.KindTargetGroup:
			b.sync()
		default:
		}
	}
}

// Address is where a port of a load balancer listens on this machine. The name is the one that AWS gave.
func (b *Balancers) Address(dnsName string, port int) (address string, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, f := range b.fronts {
		s := f.settings.Load()
		if s.balancer.DNSName == dnsName && s.listener.Port == port {
			return f.socket.Addr().String(), true
		}
	}
	return "", false
}

// Stop closes all ports; requests under way are cut off.
func (b *Balancers) Stop() error {
	b.subscription.Close()
	<-b.ended
	b.mu.Lock()
	defer b.mu.Unlock()
	var errs []error
	for _, f := range b.fronts {
		errs = append(errs, f.server.Close())
	}
	for _, g := range b.groups {
		g.stop()
	}
	return errors.Join(errs...)
}

// sync makes the listening ports and the checked targets those of the model.
func (b *Balancers) sync() {
	b.mu.Lock()
	defer b.mu.Unlock()
	active := map[string]cloud.LoadBalancer{}
	for _, lb := range b.options.Cloud.LoadBalancers() {
		if lb.State == "active" {
			active[lb.ARN] = lb
		}
	}
	described := map[string]cloud.TargetGroup{}
	for _, g := range b.options.Cloud.TargetGroups() {
		described[g.ARN] = g
	}
	listeners, groups := map[string]bool{}, map[string]bool{}
	for _, l := range b.options.Cloud.Listeners() {
		lb, ok := active[l.LoadBalancerARN]
		if !ok {
			continue
		}
		listeners[l.ARN] = true
		used := b.groupsOf(l, lb, described)
		for arn := range used {
			groups[arn] = true
		}
		b.serve(settings{balancer: lb, listener: l, groups: used})
	}
	b.drop(listeners, groups)
}

// groupsOf are the target groups that a listener sends to, with the targets that they have now.
func (b *Balancers) groupsOf(l cloud.Listener, lb cloud.LoadBalancer, described map[string]cloud.TargetGroup) map[string]*group {
	used := map[string]*group{}
	for _, action := range l.Actions {
		for _, target := range action.Targets {
			description, ok := described[target.TargetGroupARN]
			if !ok {
				continue
			}
			g := b.groups[description.ARN]
			if g == nil {
				g = newGroup(b.options)
				b.groups[description.ARN] = g
			}
			g.update(description, idleTimeout(lb))
			used[description.ARN] = g
		}
	}
	return used
}

// serve opens the port of a listener, or gives an open one what has changed.
func (b *Balancers) serve(s settings) {
	f := b.fronts[s.listener.ARN]
	if f != nil && f.shape == shapeOf(s) {
		f.settings.Store(&s)
		return
	}
	if f != nil {
		go f.retire()
		delete(b.fronts, s.listener.ARN)
	}
	opened, err := open(s, b.options)
	if err != nil {
		b.options.Log.Error("cannot serve a listener", "listener", s.listener.ARN, "error", err.Error())
		return
	}
	b.fronts[s.listener.ARN] = opened
}

// drop ends what is no longer wanted.
func (b *Balancers) drop(listeners, groups map[string]bool) {
	for arn, f := range b.fronts {
		if !listeners[arn] {
			go f.retire()
			delete(b.fronts, arn)
		}
	}
	for arn, g := range b.groups {
		if !groups[arn] {
			g.stop()
			delete(b.groups, arn)
		}
	}
}

// paced is a time of AWS's at the lab's pace, but not less than a bound.
func (o *Options) paced(d, least time.Duration) time.Duration {
	return max(time.Duration(float64(d)*o.Pace), least)
}
