package main

import (
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// TestOneStackKeepsItsRequestBudget runs the whole benchmark with one stack. Times are shown, counts are judged.
func TestOneStackKeepsItsRequestBudget(t *testing.T) {
	root := filepath.Join("..", "..")
	manager := filepath.Join(t.TempDir(), "manager")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", manager, "./cmd/manager")
	build.Dir = root
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the operator: %v\n%s", err, output)
	}
	r, err := measure(t.Context(), settings{
		root: root, manager: manager, sample: "production", rest: 3 * time.Second, patience: 2 * time.Minute,
	}, 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("\n%s", table([]Result{r}))
	if budget := r.Resources + overhead; r.Create.Writes > budget {
		t.Errorf("%d writes for %d resources, the budget is %d: %v", r.Create.Writes, r.Resources, budget, r.Create.Detail)
	}
	if r.Create.LiveReads > 0 {
		t.Errorf("%d live reads for a new stack: %v", r.Create.LiveReads, r.Create.Detail)
	}
	if r.Rest.Writes > 0 || r.Rest.LiveReads > 0 {
		t.Errorf("an operator at rest made requests: %v", r.Rest.Detail)
	}
	for what, healing := range map[string]Healing{"a deleted listener": r.HealDeleted, "an edited security group": r.HealEdited} {
		if healing.Requests.Writes == 0 || healing.Requests.Writes > overhead {
			t.Errorf("%d writes to heal %s: %v", healing.Requests.Writes, what, healing.Requests.Detail)
		}
	}
}
