package build_test

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/internal/build"
	"usermanagement.dev/stack/internal/build/buildtest"
	"usermanagement.dev/stack/internal/graph/graphtest"
	"usermanagement.dev/stack/internal/v1test"
)

// TestValidate puts the table that a real API server is asked, too, to the guard. What the guard lets through is built.
func TestValidate(t *testing.T) {
	for _, c := range v1test.Cases() {
		if c.From != "" {
			continue // the guard sees one stack, not a change
		}
		t.Run(c.Name, func(t *testing.T) {
			object, err := c.After()
			if err != nil {
				t.Fatal(err)
			}
			buildtest.Default(t, object)
			stack := &v1.UserManagementStack{}
			err = runtime.DefaultUnstructuredConverter.FromUnstructured(object, stack)
			if err != nil {
				if c.Want == "" {
					t.Fatal(err)
				}
				return // not even a stack: it cannot have been stored
			}
			got := build.Validate(t.Context(), stack).ToAggregate()
			switch {
			case c.Want == "" && got != nil:
				t.Fatalf("refused: %v", got)
			case c.Want != "" && (got == nil || !strings.Contains(got.Error(), c.Want)):
				t.Fatalf("want a refusal with %q, got %v", c.Want, got)
			case c.Want == "":
				if _, err := build.Stack(stack, graphtest.Full{}, buildtest.Inputs); err != nil {
					t.Fatalf("valid, but not built: %v", err)
				}
			}
		})
	}
}

func BenchmarkValidate(b *testing.B) {
	stack := buildtest.Samples(b)["production"]
	for b.Loop() {
		if errs := build.Validate(b.Context(), stack); len(errs) > 0 {
			b.Fatal(errs)
		}
	}
}

func BenchmarkStack(b *testing.B) {
	stack := buildtest.Samples(b)["production"]
	for b.Loop() {
		if _, err := build.Stack(stack, graphtest.Full{}, buildtest.Inputs); err != nil {
			b.Fatal(err)
		}
	}
}
