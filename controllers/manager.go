package controllers

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/metrics/filters"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"usermanagement.dev/stack/internal/probe"
)

// ManagerSettings are what whoever starts the operator may choose.
type ManagerSettings struct {
	// Workers is the number of stacks that are worked on at the same time.
	Workers int
	// MetricsAddress is where /metrics is served; "0" turns it off.
	MetricsAddress string
	// MetricsInsecure serves metrics over plain HTTP without authentication.
	MetricsInsecure bool
	// ProbeAddress is where /healthz and /readyz are served; empty turns them off.
	ProbeAddress string
	// PprofAddress is where Go's profiles are served, to anybody who can reach it; empty turns them off.
	PprofAddress string
	// LeaderElection lets only one of several managers work.
	LeaderElection bool
	// LeaderElectionNamespace is where the Lease is; empty for the pod's own namespace.
	LeaderElectionNamespace string
	// Namespace restricts the operator to one namespace; empty for all.
	Namespace string
	// ShutdownTimeout bounds the wait for passes under way when the manager stops.
	ShutdownTimeout time.Duration
	// HealthProbe has hosts asked for their health through their load balancers; without it those that run count as healthy.
	HealthProbe bool
	// HealthInterval is the time between two rounds of questions where all is well.
	HealthInterval time.Duration
	// HealthProxy is the HTTP proxy to ask through, as a URL; empty for the environment's.
	HealthProxy string
	// HealthRoots are the authorities that the load balancers' certificates may come from; nil for the system's.
	HealthRoots *x509.CertPool
	// Clock is the time; nil for the machine's own: for tests of what comes with time.
	Clock func() time.Time
	// SameProcess allows several managers in one process, one after the other: for tests.
	SameProcess bool
}

// leaseName is the Lease by which managers agree on who works.
const leaseName = "user-management-stack.usermanagement.dev"

// Of leases it may create one and, from then on, touch that one alone; its elections are told in events beside it.
//
// +kubebuilder:rbac:groups=coordination.k8s.io,resources=leases,verbs=create,namespace=system
// +kubebuilder:rbac:groups=coordination.k8s.io,resources=leases,resourceNames=user-management-stack.usermanagement.dev,verbs=get;update,namespace=system
// +kubebuilder:rbac:groups="",resources=events,verbs=create;patch,namespace=system
// +kubebuilder:rbac:groups=authentication.k8s.io,resources=tokenreviews,verbs=create
// +kubebuilder:rbac:groups=authorization.k8s.io,resources=subjectaccessreviews,verbs=create

// NewManager makes the operator, ready to start.
func NewManager(restConfig *rest.Config, settings ManagerSettings) (manager.Manager, error) {
	scheme, err := Scheme()
	if err != nil {
		return nil, fmt.Errorf("make the scheme: %w", err)
	}
	// The API server's own priority and fairness holds a busy client back better than a guess made here.
	unthrottled := rest.CopyConfig(restConfig)
	unthrottled.QPS, unthrottled.Burst = -1, 0
	cacheOptions := CacheOptions()
	if settings.Namespace != "" {
		cacheOptions.DefaultNamespaces = map[string]cache.Config{settings.Namespace: {}}
	}
	timeout := settings.ShutdownTimeout
	m, err := manager.New(unthrottled, manager.Options{
		Scheme: scheme, Cache: cacheOptions, Client: ClientOptions(),
		Metrics:                       metricsOptions(settings),
		HealthProbeBindAddress:        settings.ProbeAddress,
		PprofBindAddress:              settings.PprofAddress,
		LeaderElection:                settings.LeaderElection,
		LeaderElectionID:              leaseName,
		LeaderElectionNamespace:       settings.LeaderElectionNamespace,
		LeaderElectionReleaseOnCancel: true,
		GracefulShutdownTimeout:       &timeout,
		Controller:                    config.Controller{SkipNameValidation: &settings.SameProcess},
	})
	if err != nil {
		return nil, fmt.Errorf("make the manager: %w", err)
	}
	prober, err := newProber(settings)
	if err != nil {
		return nil, err
	}
	if err := Setup(m, Options{Workers: settings.Workers, Health: prober, Clock: settings.Clock}); err != nil {
		return nil, err
	}
	return m, addProbes(m)
}

// newProber is what asks hosts for their health; nil if nobody shall.
func newProber(settings ManagerSettings) (*probe.Prober, error) {
	if !settings.HealthProbe {
		return nil, nil //nolint:nilnil // nobody asks, and that is no error
	}
	s := probe.Settings{Interval: settings.HealthInterval, Roots: settings.HealthRoots}
	if settings.HealthProxy != "" {
		proxy, err := url.Parse(settings.HealthProxy)
		if err != nil || proxy.Host == "" || proxy.Scheme != "http" && proxy.Scheme != "https" {
			return nil, fmt.Errorf("--health-proxy=%q is not the URL of an HTTP proxy, such as http://proxy.example.com:3128",
				settings.HealthProxy)
		}
		s.Proxy = proxy
	}
	return probe.New(s), nil
}

func metricsOptions(settings ManagerSettings) metricsserver.Options {
	options := metricsserver.Options{BindAddress: settings.MetricsAddress}
	if !settings.MetricsInsecure {
		options.SecureServing = true
		options.FilterProvider = filters.WithAuthenticationAndAuthorization
	}
	return options
}

// addProbes has the manager ready once its caches are: a standby too, since it must be able to take over at once.
func addProbes(m manager.Manager) error {
	synced := func(request *http.Request) error {
		if !m.GetCache().WaitForCacheSync(request.Context()) {
			return errors.New("the caches are not in sync")
		}
		return nil
	}
	if err := m.AddHealthzCheck("ping", healthz.Ping); err != nil {
		return fmt.Errorf("add the liveness probe: %w", err)
	}
	if err := m.AddReadyzCheck("caches", synced); err != nil {
		return fmt.Errorf("add the readiness probe: %w", err)
	}
	return nil
}
