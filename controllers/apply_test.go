package controllers

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/go-logr/logr"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/internal/ack"
	"usermanagement.dev/stack/internal/plan"
)

// TestWhatIsForbiddenHasAWayOut: the words are the API server's own.
func TestWhatIsForbiddenHasAWayOut(t *testing.T) {
	object := &unstructured.Unstructured{Object: map[string]any{}}
	object.SetGroupVersionKind(ack.VPC.GVK())
	for says, hint := range map[string]string{
		`User "system:serviceaccount:ums-system:manager" cannot create resource "vpcs"`: "rights of config/rbac",
		"exceeded quota: objects": "lift the quota",
		"unable to create new content in namespace team-a because it is being terminated": "is being deleted",
		"create not allowed while custom resource definition is terminating":              "goes on by itself",
	} {
		refused := apierrors.NewForbidden(schema.GroupResource{Resource: "vpcs"}, "prod-vpc", errors.New(says))
		problem, ok := problemOf(plan.Action{Verb: plan.Create, Desired: object}, refused)
		if !ok || !strings.Contains(problem.Hint, hint) {
			t.Errorf("%s: the hint is %q, want %q in it", says, problem.Hint, hint)
		}
	}
}

func TestAStackThatChangesUnderAWriteIsLookedAtAgainAndNoError(t *testing.T) {
	resource := schema.GroupResource{Resource: "usermanagementstacks"}
	p := &pass{stack: &v1.UserManagementStack{}, log: logr.Discard()}
	result, err := p.result(fmt.Errorf("hold: %w", apierrors.NewConflict(resource, "prod", errors.New("it was modified"))))
	if err != nil || result.RequeueAfter <= 0 {
		t.Errorf("a conflict gives %v, %v", result, err)
	}
	if _, err := p.result(fmt.Errorf("hold: %w", apierrors.NewForbidden(resource, "prod", errors.New("no right")))); err == nil {
		t.Error("what nobody may do is told to nobody")
	}
}
