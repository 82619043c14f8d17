package integration

import (
	"context"
	"crypto/x509"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"usermanagement.dev/stack/controllers"
)

// operator is one running manager.
type operator struct {
	t     testing.TB
	stop  context.CancelFunc
	ended chan error
}

// operatorUser is the identity under which tests run the operator, so that its requests can be counted.
const operatorUser = "operator"

// healthInterval is short: AWS's time is scaled in the lab, and so is the operator's.
const healthInterval = 250 * time.Millisecond

// startOperator runs the operator for one namespace. The hook may wrap the way to the API server.
func startOperator(t testing.TB, namespace string, hooks ...func(*rest.Config)) *operator {
	t.Helper()
	return start(t, namespace, true, hooks...)
}

// startBlindOperator runs one that asks no host for its health: for tests of something else that start many.
func startBlindOperator(t testing.TB, namespace string, hooks ...func(*rest.Config)) *operator {
	t.Helper()
	return start(t, namespace, false, hooks...)
}

func start(t testing.TB, namespace string, asks bool, hooks ...func(*rest.Config)) *operator {
	t.Helper()
	config, err := lab.ControlPlane.UserConfig(operatorUser, "system:masters")
	if err != nil {
		t.Fatalf("make the operator's credentials: %v", err)
	}
	for _, hook := range hooks {
		hook(config)
	}
	return runOperator(t, config, operatorSettings(namespace, asks))
}

func operatorSettings(namespace string, asks bool) controllers.ManagerSettings {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(lab.DataPlane.CA())
	return controllers.ManagerSettings{
		Workers: 4, MetricsAddress: "0", Namespace: namespace, ShutdownTimeout: 5 * time.Second, SameProcess: true,
		HealthProbe: asks, HealthInterval: healthInterval, HealthProxy: lab.DataPlane.ProxyURL(), HealthRoots: roots,
	}
}

func runOperator(t testing.TB, config *rest.Config, settings controllers.ManagerSettings) *operator {
	t.Helper()
	m, err := controllers.NewManager(config, settings)
	if err != nil {
		t.Fatalf("make the operator: %v", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	o := &operator{t: t, stop: stop, ended: make(chan error, 1)}
	go func() { o.ended <- m.Start(ctx) }()
	t.Cleanup(o.kill)
	return o
}

// kill ends the operator and waits until it is gone. Calling it again does nothing.
func (o *operator) kill() {
	if o.stop == nil {
		return
	}
	o.stop()
	if err := <-o.ended; err != nil {
		o.t.Logf("the operator ended: %v", err)
	}
	o.stop = nil
}
