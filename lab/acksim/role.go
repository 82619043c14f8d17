package acksim

import (
	"context"
	"errors"
	"maps"
	"slices"

	"usermanagement.dev/stack/lab/cloud"
)

// roleKind is iam Role. Policies are attached on the pass after the create.
func roleKind() *kind {
	return &kind{
		name: "Role", service: "iam", terminal: []string{"InvalidInput", "MalformedPolicyDocument"}, gone: []string{"NoSuchEntity"},
		references: []reference{
			{from: "policyRefs[]", into: "policies", kind: "Policy", value: arnPath},
			{from: "permissionsBoundaryRef", into: "permissionsBoundary", kind: "Policy", value: arnPath},
		},
		compared: append(fields("description", "maxSessionDuration", "path", "permissionsBoundary"),
			comparison{"assumeRolePolicyDocument", jsonDocument}, comparison{"policies", asSet},
			comparison{"inlinePolicies", nil}, tagged()),
		late: lateRequired("maxSessionDuration", "path"),
		read: func(ctx context.Context, p *pass, desired *object) (*object, error) {
			r, err := p.aws.GetRole(ctx, text(desired.spec(), "name"))
			if err != nil {
				return nil, err
			}
			return p.showRole(desired.copy(), r), nil
		},
		create: createRole, update: updateRole, remove: removeRole,
	}
}

func (p *pass) showRole(o *object, r cloud.Role) *object {
	spec, status := o.spec(), o.status()
	p.showTags(o, r.Tags)
	put(spec, "description", r.Description)
	put(spec, "path", r.Path)
	spec["maxSessionDuration"], spec["assumeRolePolicyDocument"] = int64(r.MaxSessionSeconds), r.TrustPolicy
	put(spec, "permissionsBoundary", r.PermissionsBoundary)
	put(spec, "policies", textList(r.ManagedPolicies))
	put(spec, "inlinePolicies", treeOf(r.InlinePolicies))
	o.setARN(r.ARN)
	status["roleID"] = r.ID
	put(status, "createDate", stamp(r.Created))
	return o
}

func createRole(ctx context.Context, p *pass, desired *object) (*object, error) {
	spec := desired.spec()
	r, err := p.aws.CreateRole(ctx, cloud.CreateRoleInput{
		Name: text(spec, "name"), Path: text(spec, "path"), Description: text(spec, "description"),
		TrustPolicy: text(spec, "assumeRolePolicyDocument"), PermissionsBoundary: text(spec, "permissionsBoundary"),
		MaxSessionSeconds: number(spec, "maxSessionDuration"), Tags: p.createTags(desired),
	})
	if err != nil {
		return nil, err
	}
	created := desired.copy()
	created.setStatus(p.showRole(desired.copy(), r))
	return created, errors.New("role created, requeuing to trigger updates")
}

func updateRole(ctx context.Context, p *pass, desired, latest *object, changed delta) (*object, error) {
	spec := desired.spec()
	name := text(spec, "name")
	if changed.has("policies") {
		if err := p.syncManagedPolicies(ctx, name, texts(spec, "policies"), texts(latest.spec(), "policies")); err != nil {
			return nil, err
		}
	}
	if changed.has("inlinePolicies") {
		have := stringMap(latest.spec(), "inlinePolicies")
		if err := p.syncInlinePolicies(ctx, name, stringMap(spec, "inlinePolicies"), have); err != nil {
			return nil, err
		}
	}
	if changed.has("tags") {
		if err := p.syncTags(ctx, name, desired, latest); err != nil {
			return nil, err
		}
	}
	if changed.has("permissionsBoundary") {
		if err := p.aws.PutRolePermissionsBoundary(ctx, name, text(spec, "permissionsBoundary")); err != nil {
			return nil, err
		}
	}
	if changed.has("assumeRolePolicyDocument") {
		if err := p.aws.UpdateAssumeRolePolicy(ctx, name, text(spec, "assumeRolePolicyDocument")); err != nil {
			return nil, err
		}
	}
	updated := desired.copy()
	updated.setStatus(latest)
	if changed.has("description") || changed.has("maxSessionDuration") || changed.has("path") {
		err := p.aws.UpdateRole(ctx, name, text(spec, "description"), number(spec, "maxSessionDuration"))
		return updated, err
	}
	return updated, nil
}

func (p *pass) syncManagedPolicies(ctx context.Context, name string, want, have []string) error {
	for _, policy := range missing(want, have) {
		if err := p.aws.AttachRolePolicy(ctx, name, policy); err != nil {
			return err
		}
	}
	for _, policy := range missing(have, want) {
		if err := p.aws.DetachRolePolicy(ctx, name, policy); err != nil {
			return err
		}
	}
	return nil
}

func (p *pass) syncInlinePolicies(ctx context.Context, name string, want, have map[string]string) error {
	for _, policy := range slices.Sorted(maps.Keys(want)) {
		if old, ok := have[policy]; ok && old == want[policy] {
			continue
		}
		if err := p.aws.PutRolePolicy(ctx, name, policy, want[policy]); err != nil {
			return err
		}
	}
	for _, policy := range slices.Sorted(maps.Keys(have)) {
		if _, keep := want[policy]; keep {
			continue
		}
		if err := p.aws.DeleteRolePolicy(ctx, name, policy); err != nil {
			return err
		}
	}
	return nil
}

func removeRole(ctx context.Context, p *pass, latest *object) error {
	name := text(latest.spec(), "name")
	if err := p.syncManagedPolicies(ctx, name, nil, texts(latest.spec(), "policies")); err != nil {
		return err
	}
	if err := p.syncInlinePolicies(ctx, name, nil, stringMap(latest.spec(), "inlinePolicies")); err != nil {
		return err
	}
	return p.aws.DeleteRole(ctx, name)
}
