package stacktest

import (
	"context"
	"crypto/x509"
	"time"

	"k8s.io/client-go/rest"

	"usermanagement.dev/stack/controllers"
)

// OperatorUser is the identity under which tests run the operator, so that its requests can be told from others.
const OperatorUser = "operator"

// Operator is a running manager.
type Operator struct {
	cancel context.CancelFunc
	ended  chan error
}

// OperatorConfig are the operator's credentials.
func (l *Lab) OperatorConfig() (*rest.Config, error) {
	return l.ControlPlane.UserConfig(OperatorUser, "system:masters")
}

// OperatorSettings are those of an operator of one namespace that asks hosts for their health at an interval; with an
// interval of zero it asks none.
func (l *Lab) OperatorSettings(namespace string, interval time.Duration) controllers.ManagerSettings {
	return controllers.ManagerSettings{
		Workers: 4, MetricsAddress: "0", Namespace: namespace, ShutdownTimeout: 5 * time.Second, SameProcess: true,
		HealthProbe: interval > 0, HealthInterval: interval, HealthProxy: l.DataPlane.ProxyURL(), HealthRoots: l.Roots(),
	}
}

// Roots are the authorities that people in the lab trust.
func (l *Lab) Roots() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(l.DataPlane.CA())
	return pool
}

// StartOperator runs an operator until Stop.
func StartOperator(config *rest.Config, settings controllers.ManagerSettings) (*Operator, error) {
	m, err := controllers.NewManager(config, settings)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	o := &Operator{cancel: cancel, ended: make(chan error, 1)}
	go func() {
		o.ended <- m.Start(ctx)
		close(o.ended)
	}()
	return o, nil
}

// Stop ends the operator and returns when it is gone, with what it ended with. Once it is gone, nothing happens.
func (o *Operator) Stop() error {
	o.cancel()
	return <-o.ended
}
