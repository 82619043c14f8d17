package integration

import (
	"testing"
	"time"

	"usermanagement.dev/stack/lab/controlplane"
	"usermanagement.dev/stack/test/stacktest"
)

// requests counts what the operator asks of the API server from now on.
func requests(t *testing.T) *controlplane.RequestCounter {
	t.Helper()
	counter, err := lab.ControlPlane.NewRequestCounter(t.Context())
	if err != nil {
		t.Fatalf("count requests: %v", err)
	}
	return counter
}

func counted(t *testing.T, counter *controlplane.RequestCounter) controlplane.RequestCounts {
	t.Helper()
	return countedBy(t, counter, stacktest.OperatorUser)
}

func countedBy(t *testing.T, counter *controlplane.RequestCounter, user string) controlplane.RequestCounts {
	t.Helper()
	counts, err := counter.Counts(t.Context())
	if err != nil {
		t.Fatalf("count requests: %v", err)
	}
	return counts.By(user)
}

func TestANewStackTakesFewWritesAndAReadyOneNone(t *testing.T) {
	namespace := lab.Namespace(t)
	startOperator(t, namespace)
	counter := requests(t)
	stack := create(t, namespace, sample(t, "production"))
	ready := eventuallyReady(t, stack)

	counts := counted(t, counter)
	budget := int(ready.Status.Progress.Total) + 15
	t.Logf("%d writes for %d resources, budget %d\n%s", counts.Writes(), ready.Status.Progress.Total, budget, counts)
	if counts.Writes() > budget {
		t.Errorf("%d writes for a new stack of %d resources; the budget is %d", counts.Writes(), ready.Status.Progress.Total, budget)
	}

	// Two seconds are longer than any timer that the operator sets on a stack at rest would be.
	quiet := requests(t)
	<-time.After(2 * time.Second)
	rest := counted(t, quiet)
	if rest.Writes()+rest.LiveReads() > 0 {
		t.Errorf("a Ready stack costs requests:\n%s", rest)
	}
}

func TestARestartWritesNothing(t *testing.T) {
	namespace := lab.Namespace(t)
	first := startOperator(t, namespace)
	stack := create(t, namespace, sample(t, "production"))
	eventuallyReady(t, stack)
	first.kill()

	counter := requests(t)
	startOperator(t, namespace)
	change := requestPass(t, stack)
	eventually(t, stack, "the new operator has looked at it", func(s *stackObject) bool {
		return s.Status.LastHandledReconcileAt == change
	})
	// The one write is the echo of the request.
	if counts := counted(t, counter); counts.Writes() != 1 {
		t.Errorf("an operator that starts over a Ready stack writes:\n%s", counts)
	}
}
