package cloud_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"usermanagement.dev/stack/lab/cloud"
	"usermanagement.dev/stack/lab/cloud/cloudtest"
)

func TestRoleRules(t *testing.T) {
	a := newAccount(t, cloud.Options{})
	for _, c := range []struct {
		what string
		in   cloud.CreateRoleInput
		code string
	}{
		{"good", cloud.CreateRoleInput{Name: "r", TrustPolicy: trust}, ""},
		{"taken, whatever the case", cloud.CreateRoleInput{Name: "R", TrustPolicy: trust}, "EntityAlreadyExists"},
		{"too long a name", cloud.CreateRoleInput{Name: strings.Repeat("x", 65), TrustPolicy: trust}, "ValidationError"},
		{"bad name", cloud.CreateRoleInput{Name: "a b", TrustPolicy: trust}, "ValidationError"},
		{"bad path", cloud.CreateRoleInput{Name: "a", Path: "x", TrustPolicy: trust}, "ValidationError"},
		{"bad session", cloud.CreateRoleInput{Name: "a", TrustPolicy: trust, MaxSessionSeconds: 60}, "ValidationError"},
		{"no JSON", cloud.CreateRoleInput{Name: "a", TrustPolicy: "{"}, "MalformedPolicyDocument"},
		{
			"tags that differ in case",
			cloud.CreateRoleInput{Name: "a", TrustPolicy: trust, Tags: cloud.Tags{"Name": "x", "name": "y"}},
			"InvalidInput",
		},
		{"no principal", cloud.CreateRoleInput{Name: "a", TrustPolicy: allow}, "MalformedPolicyDocument"},
		{"unknown boundary", cloud.CreateRoleInput{Name: "a", TrustPolicy: trust, PermissionsBoundary: "arn:aws:iam::aws:policy/No"}, "NoSuchEntity"},
	} {
		_, err := a.CreateRole(a.ctx, c.in)
		a.refused(c.what, err, c.code)
	}
	elsewhere := a.cloud.Client(cloud.Caller{Region: "eu-west-1"})
	_, err := elsewhere.CreateRole(a.ctx, cloud.CreateRoleInput{Name: "r", TrustPolicy: trust})
	a.refused("names are global", err, "EntityAlreadyExists")
}

// allowing is a policy of one action.
func allowing(action string) string { return strings.Replace(allow, "s3:GetObject", action, 1) }

func TestRoleDependencies(t *testing.T) {
	a := newAccount(t, cloud.Options{})
	a.profile("r")
	policy := cloudtest.Must[cloud.Policy](t)(a.CreatePolicy(a.ctx, cloud.CreatePolicyInput{Name: "p", Document: allow}))
	a.refused("unknown policy", a.AttachRolePolicy(a.ctx, "r", policy.ARN+"x"), "NoSuchEntity")
	a.check(a.AttachRolePolicy(a.ctx, "r", policy.ARN))
	a.check(a.AttachRolePolicy(a.ctx, "r", "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"))
	a.check(a.PutRolePolicy(a.ctx, "r", "inline", allow))
	a.refused("too much inline", a.PutRolePolicy(a.ctx, "r", "more", allowing(strings.Repeat("x", 10240))), "LimitExceeded")
	a.refused("profile with a role", a.DeleteInstanceProfile(a.ctx, "r"), "DeleteConflict")
	a.refused("second role in a profile", a.AddRoleToInstanceProfile(a.ctx, "r", "r"), "LimitExceeded")
	a.refused("role in a profile", a.DeleteRole(a.ctx, "r"), "DeleteConflict")
	a.check(a.RemoveRoleFromInstanceProfile(a.ctx, "r", "r"))
	a.refused("role with policies", a.DeleteRole(a.ctx, "r"), "DeleteConflict")
	a.refused("attached policy", a.DeletePolicy(a.ctx, policy.ARN), "DeleteConflict")
	a.check(a.DetachRolePolicy(a.ctx, "r", policy.ARN))
	a.check(a.DetachRolePolicy(a.ctx, "r", "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"))
	a.refused("role with an inline policy", a.DeleteRole(a.ctx, "r"), "DeleteConflict")
	a.check(a.DeleteRolePolicy(a.ctx, "r", "inline"))
	a.check(a.DeleteRole(a.ctx, "r"))
	a.check(a.DeletePolicy(a.ctx, policy.ARN))
	a.check(a.DeleteInstanceProfile(a.ctx, "r"))
}

func TestTenPoliciesPerRole(t *testing.T) {
	a := newAccount(t, cloud.Options{})
	a.profile("r")
	for i := range 11 {
		p := cloudtest.Must[cloud.Policy](t)(a.CreatePolicy(a.ctx, cloud.CreatePolicyInput{Name: fmt.Sprint("p", i), Document: allow}))
		code := ""
		if i == 10 {
			code = "LimitExceeded"
		}
		a.refused(p.Name, a.AttachRolePolicy(a.ctx, "r", p.ARN), code)
	}
}

func TestPolicyVersions(t *testing.T) {
	a := newAccount(t, cloud.Options{})
	_, err := a.CreatePolicy(a.ctx, cloud.CreatePolicyInput{Name: "big", Document: allowing(strings.Repeat("x", 6144))})
	a.refused("too large", err, "LimitExceeded")
	p := cloudtest.Must[cloud.Policy](t)(a.CreatePolicy(a.ctx, cloud.CreatePolicyInput{Name: "p", Document: allow}))
	_, err = a.CreatePolicy(a.ctx, cloud.CreatePolicyInput{Name: "p", Document: allow})
	a.refused("taken", err, "EntityAlreadyExists")
	for range 4 {
		cloudtest.Must[cloud.PolicyVersion](t)(a.CreatePolicyVersion(a.ctx, p.ARN, allow))
	}
	_, err = a.CreatePolicyVersion(a.ctx, p.ARN, allow)
	a.refused("sixth version", err, "LimitExceeded")
	a.refused("default version", a.DeletePolicyVersion(a.ctx, p.ARN, "v5"), "DeleteConflict")
	a.refused("policy with versions", a.DeletePolicy(a.ctx, p.ARN), "DeleteConflict")
	a.check(a.DeletePolicyVersion(a.ctx, p.ARN, "v1"))
	if v := cloudtest.Must[cloud.PolicyVersion](t)(a.CreatePolicyVersion(a.ctx, p.ARN, allow)); v.ID != "v6" {
		t.Errorf("version numbers are not used again: %s", v.ID)
	}
}

func TestSecretRecoveryWindow(t *testing.T) {
	a := newAccount(t, cloud.Options{})
	_, err := a.CreateSecret(a.ctx, cloud.CreateSecretInput{Name: "a b"})
	a.refused("bad name", err, "ValidationException")
	s := cloudtest.Must[cloud.Secret](t)(a.CreateSecret(a.ctx, cloud.CreateSecretInput{Name: "app", Value: "one"}))
	const prefix = "arn:aws:secretsmanager:us-east-2:123456789012:secret:app-"
	if !strings.HasPrefix(s.ARN, prefix) || len(s.ARN) != len(prefix)+6 {
		t.Errorf("ARN is %s", s.ARN)
	}
	_, err = a.CreateSecret(a.ctx, cloud.CreateSecretInput{Name: "app"})
	a.refused("taken", err, "ResourceExistsException")
	two := "two"
	updated := cloudtest.Must[cloud.Secret](t)(a.UpdateSecret(a.ctx, "app", cloud.UpdateSecretInput{Value: &two}))
	value, version, err := a.GetSecretValue(a.ctx, s.ARN)
	if value != "two" || version != updated.VersionID || version == s.VersionID || err != nil {
		t.Errorf("value %q, version %s, %v", value, version, err)
	}
	a.refused("short window", a.DeleteSecret(a.ctx, "app", 1), "InvalidParameterException")
	a.check(a.DeleteSecret(a.ctx, "app", 7))
	_, _, err = a.GetSecretValue(a.ctx, s.ARN)
	a.refused("value of a deleted secret", err, "InvalidRequestException")
	_, err = a.CreateSecret(a.ctx, cloud.CreateSecretInput{Name: "app"})
	a.refused("name within the window", err, "InvalidRequestException")
	a.clock.Advance(8 * 24 * time.Hour)
	_, err = a.CreateSecret(a.ctx, cloud.CreateSecretInput{Name: "app"})
	a.refused("name after the window", err, "")
}
