package controllers

import (
	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	v1 "usermanagement.dev/stack/api/v1"
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
	stackCondition = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "ums_stack_condition", Help: "1 for the present status of each condition of each stack.",
	}, []string{"namespace", "name", "type", "status"})
	stackBlockers = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "ums_stack_blockers", Help: "Objects that keep a stack from being ready, with a reason other than time.",
	}, []string{"namespace", "name"})
)

func init() {
	metrics.Registry.MustRegister(
		passSeconds, readySeconds, childWrites, driftCorrected, rolloutSteps, stackCondition, stackBlockers)
}

// recordConditions brings a stack's gauges up to date.
func recordConditions(stack *v1.UserManagementStack, status v1.UserManagementStackStatus) {
	forgetConditions(stack)
	for _, condition := range status.Conditions {
		stackCondition.WithLabelValues(stack.Namespace, stack.Name, condition.Type, string(condition.Status)).Set(1)
	}
	stackBlockers.WithLabelValues(stack.Namespace, stack.Name).Set(float64(len(status.Blockers)))
}

func forgetConditions(stack metav1.Object) {
	labels := prometheus.Labels{"namespace": stack.GetNamespace(), "name": stack.GetName()}
	stackCondition.DeletePartialMatch(labels)
	stackBlockers.DeletePartialMatch(labels)
}
