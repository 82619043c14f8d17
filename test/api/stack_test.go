package api_test

import (
	"context"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"usermanagement.dev/stack/internal/build/buildtest"
	"usermanagement.dev/stack/internal/v1test"
	"usermanagement.dev/stack/lab/controlplane/controlplanetest"
)

// TestSamples: each sample is taken as it stands, by an API server that refuses unknown fields.
func TestSamples(t *testing.T) {
	s := serverWith(t, controlplanetest.Shared(t), stackCRD)
	for name, manifest := range buildtest.Manifests(t) {
		t.Run(name, func(t *testing.T) {
			object := &unstructured.Unstructured{}
			if err := yaml.Unmarshal(manifest, object); err != nil {
				t.Fatal(err)
			}
			if err := s.create(t, object, false); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// TestRules: of the table that the guard is put to, too, the API server takes what it should, and refuses the rest with
// a message that says what to change.
func TestRules(t *testing.T) {
	s := serverWith(t, controlplanetest.Shared(t), stackCRD)
	for _, c := range v1test.Cases() {
		t.Run(c.Name, func(t *testing.T) {
			after, err := c.After()
			if err != nil {
				t.Fatal(err)
			}
			before, err := c.Before()
			if err != nil {
				t.Fatal(err)
			}
			got := s.try(t, before, after)
			switch {
			case c.Want == "" && got != nil:
				t.Errorf("refused: %v", got)
			case c.Want != "" && got == nil:
				t.Errorf("taken, but should be refused with %q", c.Want)
			case c.Want != "" && !strings.Contains(got.Error(), c.Want):
				t.Errorf("should be refused with %q, but the message is: %v", c.Want, got)
			}
		})
	}
}

// TestUnknownField: a misspelt field is an error, not a default.
func TestUnknownField(t *testing.T) {
	s := serverWith(t, controlplanetest.Shared(t), stackCRD)
	c := v1test.Case{Patch: `{spec: {hosts: {instancetype: t3.large}}}`}
	object, err := c.After()
	if err != nil {
		t.Fatal(err)
	}
	err = s.try(t, nil, object)
	if err == nil || !strings.Contains(err.Error(), `unknown field "spec.hosts.instancetype"`) {
		t.Errorf("the answer to a misspelt field is %v", err)
	}
}

// try asks for a stack, or for a change of one, and leaves nothing behind.
func (s server) try(t *testing.T, before, after map[string]any) error {
	t.Helper()
	wanted := &unstructured.Unstructured{Object: after}
	if before == nil {
		return s.create(t, wanted, true)
	}
	original := &unstructured.Unstructured{Object: before}
	if err := s.create(t, original, false); err != nil {
		t.Fatalf("the stack before the change: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		defer cancel()
		if err := s.of(t, original).Delete(ctx, original.GetName(), metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	})
	return s.update(t, wanted)
}

func (s server) create(t *testing.T, object *unstructured.Unstructured, dryRun bool) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	options := metav1.CreateOptions{FieldValidation: metav1.FieldValidationStrict}
	if dryRun {
		options.DryRun = []string{metav1.DryRunAll}
	}
	_, err := s.of(t, object).Create(ctx, object, options)
	return err
}

// update replaces a stack's spec, for the sake of the answer only.
func (s server) update(t *testing.T, object *unstructured.Unstructured) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	stored, err := s.of(t, object).Get(ctx, object.GetName(), metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	object.SetResourceVersion(stored.GetResourceVersion())
	_, err = s.of(t, object).Update(ctx, object, metav1.UpdateOptions{
		DryRun: []string{metav1.DryRunAll}, FieldValidation: metav1.FieldValidationStrict,
	})
	return err
}
