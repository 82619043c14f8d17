package acksim_test

import (
	"context"
	"sync"
	"syscall"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"usermanagement.dev/stack/lab/acksim"
	"usermanagement.dev/stack/lab/cloud"
)

// BenchmarkSimulator says what an object costs the simulator: writes to the API server, passes, and processor time of this
// process (which also watches). One op is one object out of four kinds.
func BenchmarkSimulator(b *testing.B) {
	for _, lean := range []bool{false, true} {
		b.Run(seq("lean=%v", lean), func(b *testing.B) { benchmark(b, acksim.Options{Lean: lean}) })
	}
}

func benchmark(b *testing.B, opts acksim.Options) {
	b.Helper()
	w := newWorld(b, cloud.Options{}, opts)
	w.stop()
	w.makeObjects(b.N)
	before := processorTime(b)
	b.ResetTimer()
	w.startSimulator()
	created := []cloud.Op{"ec2:CreateVpc", "ec2:AllocateAddress", "iam:CreateRole", "rds:CreateDBParameterGroup"}
	w.eventually("all objects are in AWS", func() bool {
		n := 0
		for _, op := range created {
			n += w.calls(op)
		}
		return n >= b.N
	})
	b.StopTimer()
	spent := processorTime(b) - before
	writes := w.sim.Writes()
	n := float64(b.N)
	b.ReportMetric(float64(writes.Finalizers.Load())/n, "finalizers/op")
	b.ReportMetric(float64(writes.Specs.Load())/n, "specs/op")
	b.ReportMetric(float64(writes.Statuses.Load())/n, "statuses/op")
	b.ReportMetric(float64(w.sim.Passes())/n, "passes/op")
	b.ReportMetric(float64(spent.Microseconds())/n, "cpu-µs/op")
}

// makeObjects makes n objects that need no other.
func (w *world) makeObjects(n int) {
	numbers := make(chan int)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range numbers {
				kind, spec := independent(i)
				u := &unstructured.Unstructured{Object: m{
					"apiVersion": gvr(kind).Group + "/v1alpha1", "kind": kind, "metadata": m{"name": seq("o-%d", i)}, "spec": spec,
				}}
				if _, err := w.resource(kind).Create(context.Background(), u, metav1.CreateOptions{}); err != nil {
					w.t.Error(err)
				}
			}
		})
	}
	for i := range n {
		numbers <- i
	}
	close(numbers)
	wg.Wait()
}

func independent(i int) (kind string, spec m) {
	switch i % 4 {
	case 0:
		return "VPC", vpcSpec()
	case 1:
		return "ElasticIPAddress", m{"tags": tags()}
	case 2:
		return "Role", m{"name": seq("role-%d", i), "assumeRolePolicyDocument": trustEC2, "tags": tags()}
	default:
		return "DBParameterGroup", m{"name": seq("pg-%d", i), "description": "d", "family": "mysql8.4", "tags": tags()}
	}
}

func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
