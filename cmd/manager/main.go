// Command manager is the operator: it turns UserManagementStack objects into ACK resources.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"time"

	"go.uber.org/zap/zapcore"
	"sigs.k8s.io/controller-runtime/pkg/client/config"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/manager/signals"

	"usermanagement.dev/stack/controllers"
	"usermanagement.dev/stack/internal/probe"
)

func main() {
	if err := run(signals.SetupSignalHandler()); err != nil {
		fmt.Fprintln(os.Stderr, "manager:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	var settings controllers.ManagerSettings
	bind(flag.CommandLine, &settings)
	// Where in this program an API request failed is no news to whoever reads a log; what failed is in the message.
	logging := zap.Options{StacktraceLevel: zapcore.PanicLevel}
	logging.BindFlags(flag.CommandLine)
	flag.Parse()
	log.SetLogger(zap.New(zap.UseFlagOptions(&logging)))
	restConfig, err := config.GetConfig()
	if err != nil {
		return fmt.Errorf("find the cluster: %w", err)
	}

	m, err := controllers.NewManager(restConfig, settings)
	if err != nil {
		return err
	}
	return m.Start(ctx)
}

func bind(flags *flag.FlagSet, s *controllers.ManagerSettings) {
	flags.IntVar(&s.Workers, "workers", 8, "stacks that are worked on at the same time")
	flags.StringVar(&s.MetricsAddress, "metrics-bind-address", ":8443",
		"address of /metrics, over TLS with authentication; 0 turns it off")
	flags.BoolVar(&s.MetricsInsecure, "metrics-insecure", false,
		"serve /metrics over plain HTTP to anybody: for trying things on loopback")
	flags.StringVar(&s.ProbeAddress, "health-probe-bind-address", ":8081", "address of /healthz and /readyz")
	flags.StringVar(&s.PprofAddress, "pprof-bind-address", "",
		"address of /debug/pprof, open to whoever reaches it: a loopback address; empty turns it off")
	flags.BoolVar(&s.LeaderElection, "leader-elect", false, "let only one of several managers work")
	flags.StringVar(&s.LeaderElectionNamespace, "leader-elect-namespace", "",
		"namespace of the lease by which one is let; empty for the one that this pod runs in")
	flags.StringVar(&s.Namespace, "namespace", "", "watch this namespace only; empty for all")
	flags.BoolVar(&s.HealthProbe, "health-probe", true,
		"ask hosts for their health through their load balancers; false counts every host that runs as healthy")
	flags.DurationVar(&s.HealthInterval, "health-interval", probe.DefaultInterval,
		"time between two rounds of questions where all is well; a fifth of it while somebody waits")
	flags.StringVar(&s.HealthProxy, "health-proxy", "",
		"URL of an HTTP proxy to ask hosts through; empty for the one that HTTPS_PROXY and HTTP_PROXY name, if any")
	flags.DurationVar(&s.ShutdownTimeout, "shutdown-timeout", 30*time.Second,
		"how long a pass may take to end when the manager stops")
}
