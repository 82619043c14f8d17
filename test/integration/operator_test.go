package integration

import (
	"sync"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"usermanagement.dev/stack/controllers"
	"usermanagement.dev/stack/test/stacktest"
)

// operator is one running manager.
type operator struct {
	// kill ends the operator and waits until it is gone. Calling it again does nothing.
	kill func()
}

const (
	// healthInterval is short: AWS's time is scaled in the lab, and so is the operator's.
	healthInterval = 250 * time.Millisecond
	// blind is the interval of an operator that asks no host.
	blind = 0
)

// startOperator runs the operator for one namespace. The hook may wrap the way to the API server.
func startOperator(t testing.TB, namespace string, hooks ...func(*rest.Config)) *operator {
	t.Helper()
	return runOperator(t, lab.OperatorSettings(namespace, healthInterval), hooks...)
}

// startBlindOperator runs one that asks no host for its health: for tests of something else that start many.
func startBlindOperator(t testing.TB, namespace string, hooks ...func(*rest.Config)) *operator {
	t.Helper()
	return runOperator(t, lab.OperatorSettings(namespace, blind), hooks...)
}

func runOperator(t testing.TB, settings controllers.ManagerSettings, hooks ...func(*rest.Config)) *operator {
	t.Helper()
	config, err := lab.OperatorConfig()
	if err != nil {
		t.Fatalf("make the operator's credentials: %v", err)
	}
	for _, hook := range hooks {
		hook(config)
	}
	running, err := stacktest.StartOperator(config, settings)
	if err != nil {
		t.Fatalf("make the operator: %v", err)
	}
	o := &operator{kill: sync.OnceFunc(func() {
		if err := running.Stop(); err != nil {
			t.Logf("the operator ended: %v", err)
		}
	})}
	t.Cleanup(o.kill)
	return o
}
