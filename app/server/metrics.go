package server

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/uptrace/bun"

	"usermanagement.dev/stack/internal/hostcontract"
)

// metrics are what a host counts. Labels are route patterns, never paths: their number is known.
type metrics struct {
	registry *prometheus.Registry
	duration *prometheus.HistogramVec
	signIns  *prometheus.CounterVec
}

func newMetrics(db *bun.DB) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "ums_app_request_duration_seconds", Help: "How long requests took, by route.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10},
		}, []string{"method", "route", "status"}),
		signIns: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ums_app_sign_ins_total", Help: "Sign-ins on this host, by outcome.",
		}, []string{"outcome"}),
	}
	m.registry.MustRegister(
		m.duration,
		m.signIns,
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		collectors.NewDBStatsCollector(db.DB, "ums"),
	)
	return m
}

func (m *metrics) observe(method, route string, status int, took time.Duration) {
	m.duration.WithLabelValues(method, route, strconv.Itoa(status)).Observe(took.Seconds())
}

// MetricsHandler serves /metrics, for a listener that the public cannot reach.
func (s *Server) MetricsHandler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET "+hostcontract.MetricsPath, promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{}))
	return mux
}
