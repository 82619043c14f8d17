package controllers

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	v1 "usermanagement.dev/stack/api/v1"
)

var (
	stackCondition = prometheus.NewDesc(
		"ums_stack_condition", "1 for the present status of each condition of each stack.",
		[]string{"namespace", "name", "type", "status"}, nil)
	stackBlockers = prometheus.NewDesc(
		"ums_stack_blockers", "Objects that keep a stack from being ready, with a reason other than time.",
		[]string{"namespace", "name"}, nil)
)

// scrapePatience bounds how long a scrape waits for the cache, which answers from memory once it is filled.
const scrapePatience = 2 * time.Second

// stackCollector tells of every stack as the cache has it when somebody asks. Nothing is noted down that could be missing
// after a restart of the operator, or stay behind when a stack is gone.
type stackCollector struct {
	stacks client.Reader
}

// Start shows the stacks for as long as this operator leads: of a standby's view there would be a second one.
func (c *stackCollector) Start(ctx context.Context) error {
	err := metrics.Registry.Register(c)
	if _, shown := errors.AsType[prometheus.AlreadyRegisteredError](err); shown {
		err = nil // by another operator in this process, as there is in tests
	} else if err == nil {
		defer metrics.Registry.Unregister(c)
	}
	if err != nil {
		return fmt.Errorf("show the stacks among the metrics: %w", err)
	}
	<-ctx.Done()
	return nil
}

// Describe names the metrics.
func (c *stackCollector) Describe(out chan<- *prometheus.Desc) {
	out <- stackCondition
	out <- stackBlockers
}

// Collect tells of all stacks; of none while the cache is not filled, which must not keep the other metrics from being read.
func (c *stackCollector) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapePatience)
	defer cancel()
	stacks := &v1.UserManagementStackList{}
	if err := c.stacks.List(ctx, stacks, client.UnsafeDisableDeepCopy); err != nil {
		return
	}
	for i := range stacks.Items {
		stack := &stacks.Items[i]
		for _, condition := range stack.Status.Conditions {
			out <- prometheus.MustNewConstMetric(stackCondition, prometheus.GaugeValue, 1,
				stack.Namespace, stack.Name, condition.Type, string(condition.Status))
		}
		out <- prometheus.MustNewConstMetric(stackBlockers, prometheus.GaugeValue,
			float64(len(stack.Status.Blockers)), stack.Namespace, stack.Name)
	}
}
