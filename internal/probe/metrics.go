package probe

import (
	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"usermanagement.dev/stack/internal/health"
)

var (
	stacksProbed = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "ums_health_stacks", Help: "Stacks whose hosts are asked for their health.",
	})
	roundSeconds = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "ums_health_round_duration_seconds", Help: "How long it takes to ask all hosts of a stack once.",
		Buckets: prometheus.ExponentialBuckets(0.005, 2, 13),
	})
	answers = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "ums_health_answers_total", Help: "Answers of hosts to GET /health through their load balancer, and rounds without any.",
	}, []string{"result"})
)

func init() { metrics.Registry.MustRegister(stacksProbed, roundSeconds, answers) }

func count(round health.Round) {
	for _, answer := range round.Answers {
		if answer.Good {
			answers.WithLabelValues("healthy").Inc()
		} else {
			answers.WithLabelValues("unhealthy").Inc()
		}
	}
	if round.Trouble != "" {
		answers.WithLabelValues("unreached").Inc()
	}
}
