package acksim

import (
	"log/slog"
	"time"
)

// Options sets up a Simulator. The zero value is ACK with its default flags.
type Options struct {
	// Region is the controllers' --aws-region; empty means us-east-2.
	Region string
	// Namespace restricts the controllers to one namespace (--watch-namespace); empty means all.
	Namespace string
	// Without lists services ("rds", "elbv2", …) whose controller is not installed.
	Without []string
	// Workers is how many objects of a kind are worked on at once. ACK's default
	// (--reconcile-default-max-concurrent-syncs) is 1; 0 means 4 here, so that a slow API server does not make the
	// simulator the thing that is measured.
	Workers int
	// Pace scales ACK's waiting times; the zero value is real time.
	Pace Pace
	// Resync replaces ACK's period for looking again at a settled object (--reconcile-default-resync-seconds); 0 means 10 h.
	Resync time.Duration
	// KindResync does the same for single kinds (--reconcile-resource-resync-seconds), by kind name.
	KindResync map[string]time.Duration
	// DeletionPolicy is --deletion-policy: "delete" (default) or "retain".
	DeletionPolicy string
	// NoReadyCondition imitates runtimes before v0.53, which have no Ready condition.
	NoReadyCondition bool
	// OldEC2 imitates ec2-controller v1.2.4: Instance is synced as soon as it is launched, and only its tags are updated.
	OldEC2 bool
	// VerboseActions makes listeners answer with the redundant fields that AWS may add to a default action (order, and the
	// target group also outside forwardConfig).
	VerboseActions bool
	// Lean makes fewer writes than ACK, for measuring an operator where the API server is what limits: the finalizer is
	// written after the AWS call together with what ACK writes into spec, and a pass that only echoes ACK's own write to spec
	// does not renew the times of the conditions. It leaves no trace that an operator could rely on, but do not test
	// behaviour with it.
	Lean bool
	// DropStatus, if it answers true, loses the status write of a pass, as happens when a controller is killed between an
	// AWS call and the write of what came of it.
	DropStatus func(kind, namespace, name string) bool
	// Log receives what an operator of ACK would see in its logs; nil means nothing is logged.
	Log *slog.Logger
}

// Pace scales waiting times. A field that is zero means 1, real time.
type Pace struct {
	// Poll scales every wait for something unfinished: 30 s while not synced, 5 s for late initialisation, 60 s for a pending
	// certificate, and the cap of the error backoff (1000 s).
	Poll float64
	// Resync scales how often settled objects are looked at again (10 h; 60 s for certificates).
	Resync float64
}

// Instant makes waiting for something unfinished take milliseconds, for tests and benchmarks without cloud latency.
// Settled objects are resynced as rarely as by ACK itself.
func Instant() Pace { return Pace{Poll: 0.001} }

func (p Pace) poll(d time.Duration) time.Duration   { return scaled(d, p.Poll) }
func (p Pace) resync(d time.Duration) time.Duration { return scaled(d, p.Resync) }

func scaled(d time.Duration, factor float64) time.Duration {
	if factor == 0 {
		return d
	}
	return max(time.Duration(float64(d)*factor), time.Millisecond)
}

const (
	defaultRegion  = "us-east-2"
	defaultWorkers = 4

	// Waiting times of the ACK runtime.
	notSyncedWait = 30 * time.Second
	lateInitWait  = 5 * time.Second
	defaultResync = 10 * time.Hour
	// The error backoff is that of controller-runtime's work queues.
	backoffBase = 5 * time.Millisecond
	backoffCap  = 1000 * time.Second
)

func (o Options) withDefaults() Options {
	if o.Region == "" {
		o.Region = defaultRegion
	}
	if o.Workers == 0 {
		o.Workers = defaultWorkers
	}
	if o.Resync == 0 {
		o.Resync = defaultResync
	}
	if o.DeletionPolicy == "" {
		o.DeletionPolicy = policyDelete
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// resyncOf is how long a settled object of a kind is left alone.
func (o Options) resyncOf(k *kind) time.Duration {
	if d, ok := o.KindResync[k.name]; ok {
		return o.Pace.resync(d)
	}
	if k.resync > 0 {
		return o.Pace.resync(k.resync)
	}
	return o.Pace.resync(o.Resync)
}
