package controllers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	v1 "usermanagement.dev/stack/api/v1"
)

// shelf is a cache that holds stacks.
type shelf struct {
	stacks []v1.UserManagementStack
	err    error
}

func (s *shelf) Get(context.Context, client.ObjectKey, client.Object, ...client.GetOption) error {
	return errors.New("nobody gets a single one")
}

func (s *shelf) List(_ context.Context, list client.ObjectList, _ ...client.ListOption) error {
	if stacks, ok := list.(*v1.UserManagementStackList); ok {
		stacks.Items = s.stacks
	}
	return s.err
}

func stackThatIs(name string, ready metav1.ConditionStatus, blockers int) v1.UserManagementStack {
	stack := v1.UserManagementStack{ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: name}}
	stack.Status.Conditions = []metav1.Condition{{Type: v1.ConditionReady, Status: ready}}
	stack.Status.Blockers = make([]v1.Blocker, blockers)
	return stack
}

// shown is what a scrape reads, a line for each value.
func shown(t *testing.T, registry *prometheus.Registry) []string {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			var labels []string
			for _, label := range metric.GetLabel() {
				labels = append(labels, label.GetName()+"="+label.GetValue())
			}
			lines = append(lines, fmt.Sprintf("%s{%s} %v", family.GetName(), strings.Join(labels, ","), metric.GetGauge().GetValue()))
		}
	}
	return lines
}

// An operator that has just started has written no status yet, and alerts must know of stacks all the same.
func TestMetricsShowEveryStackAsItIs(t *testing.T) {
	cache := &shelf{stacks: []v1.UserManagementStack{
		stackThatIs("good", metav1.ConditionTrue, 0), stackThatIs("stuck", metav1.ConditionFalse, 2),
	}}
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(&stackCollector{stacks: cache})
	want := []string{
		"ums_stack_blockers{name=good,namespace=team} 0",
		"ums_stack_blockers{name=stuck,namespace=team} 2",
		"ums_stack_condition{name=good,namespace=team,status=True,type=Ready} 1",
		"ums_stack_condition{name=stuck,namespace=team,status=False,type=Ready} 1",
	}
	if got := shown(t, registry); !slices.Equal(got, want) {
		t.Errorf("shown:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	cache.stacks = cache.stacks[:1]
	if got := shown(t, registry); !slices.Equal(got, []string{want[0], want[2]}) {
		t.Errorf("after a stack is gone: %q", got)
	}
	cache.stacks, cache.err = nil, errors.New("the cache is not filled yet")
	if got := shown(t, registry); len(got) > 0 {
		t.Errorf("without a cache: %q", got)
	}
}
