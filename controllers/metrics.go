package controllers

import (
	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

var (
	passSeconds = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "ums_pass_duration_seconds", Help: "How long one pass of a stack takes.",
		Buckets: prometheus.ExponentialBuckets(0.001, 2, 14),
	})
	readySeconds = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "ums_time_to_ready_seconds", Help: "How long a stack was not Ready before it became so.",
		Buckets: prometheus.ExponentialBuckets(0.5, 2, 14),
	})
	childWrites = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "ums_child_writes_total", Help: "Writes of ACK objects, by kind and by what was written.",
	}, []string{"kind", "verb"})
	driftCorrected = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "ums_drift_corrected_total", Help: "Objects that somebody else had changed and that were put back.",
	}, []string{"kind"})
	rolloutSteps = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "ums_rollout_steps_total", Help: "Steps taken in replacing hosts, by what was done.",
	}, []string{"step"})
)

func init() {
	metrics.Registry.MustRegister(passSeconds, readySeconds, childWrites, driftCorrected, rolloutSteps)
}
