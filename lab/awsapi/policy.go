package awsapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"strings"
)

// oneOrMany is what IAM writes as one string or as a list.
type oneOrMany []string

// UnmarshalJSON implements json.Unmarshaler.
func (o *oneOrMany) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*o = oneOrMany{one}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(o))
}

// statement is a statement of an identity-based policy. What this does not know of, such as conditions, is not ignored.
type statement struct {
	Sid      string    `json:"Sid"`
	Effect   string    `json:"Effect"`
	Action   oneOrMany `json:"Action"`
	Resource oneOrMany `json:"Resource"`
}

var errNoPolicy = errors.New("the policy cannot be evaluated here")

func parsePolicy(document string) ([]statement, error) {
	var policy struct {
		Version   string      `json:"Version"`
		Statement []statement `json:"Statement"`
	}
	decoder := json.NewDecoder(strings.NewReader(document))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&policy); err != nil {
		return nil, fmt.Errorf("%w: %w", errNoPolicy, err)
	}
	return policy.Statement, nil
}

// allowed evaluates identity-based policies: something must allow the action on the resource, and nothing deny it.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
func allowed(documents []string, action, resource string) (bool, error) {
	found := false
	for _, document := range documents {
		statements, err := parsePolicy(document)
		if err != nil {
			return false, err
		}
		for _, s := range statements {
			if !matchesAny(s.Action, strings.ToLower(action), strings.ToLower) || !matchesAny(s.Resource, resource, nil) {
				continue
			}
			if s.Effect != "Allow" {
				return false, nil
			}
			found = true
		}
	}
	return found, nil
}

// matchesAny compares with patterns, in which * stands for any characters and ? for one.
func matchesAny(patterns []string, value string, fold func(string) string) bool {
	for _, pattern := range patterns {
		if fold != nil {
			pattern = fold(pattern)
		}
		// path.Match keeps * within a path's element; ARNs and actions are not paths.
		escaped := strings.NewReplacer(`\`, `\\`, `[`, `\[`).Replace(pattern)
		noSlash := func(s string) string { return strings.ReplaceAll(s, "/", "\x00") }
		if ok, err := path.Match(noSlash(escaped), noSlash(value)); err == nil && ok {
			return true
		}
	}
	return false
}
