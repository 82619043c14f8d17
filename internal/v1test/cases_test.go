package v1test_test

import (
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"usermanagement.dev/stack/config/crd"
	"usermanagement.dev/stack/internal/v1test"
)

// TestEveryRuleHasACase: a rule that no stack is refused by may be one that refuses nothing.
func TestEveryRuleHasACase(t *testing.T) {
	var definition any
	if err := yaml.Unmarshal(crd.UserManagementStack, &definition); err != nil {
		t.Fatal(err)
	}
	rules := messages(definition)
	if len(rules) < 20 {
		t.Fatalf("only %d rules found in the definition", len(rules))
	}
	for _, rule := range rules {
		if !slices.ContainsFunc(v1test.Cases(), func(c v1test.Case) bool {
			return c.Want != "" && strings.Contains(rule, c.Want)
		}) {
			t.Errorf("no case is refused by the rule: %s", rule)
		}
	}
}

// messages are the messages of all rules in a definition.
func messages(value any) []string {
	var found []string
	switch v := value.(type) {
	case map[string]any:
		if rules, ok := v["x-kubernetes-validations"].([]any); ok {
			for _, rule := range rules {
				if message, ok := rule.(map[string]any)["message"].(string); ok {
					found = append(found, message)
				}
			}
		}
		for _, inner := range v {
			found = append(found, messages(inner)...)
		}
	case []any:
		for _, inner := range v {
			found = append(found, messages(inner)...)
		}
	}
	return found
}
