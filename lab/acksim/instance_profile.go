package acksim

import (
	"context"

	"usermanagement.dev/stack/lab/cloud"
)

// instanceProfileKind is iam InstanceProfile. The role is put into it on the pass after the create.
func instanceProfileKind() *kind {
	return &kind{
		name: "InstanceProfile", service: "iam", terminal: []string{"InvalidInput"}, gone: []string{"NoSuchEntity"},
		references: []reference{{from: "roleRef", into: "role", kind: "Role", value: "spec.name"}},
		compared:   append(fields("role", "path"), tagged()),
		late:       lateRequired("path"),
		read: func(ctx context.Context, p *pass, desired *object) (*object, error) {
			profile, err := p.aws.GetInstanceProfile(ctx, text(desired.spec(), "name"))
			if err != nil {
				return nil, err
			}
			latest := p.showInstanceProfile(desired.copy(), profile)
			put(latest.spec(), "role", profile.RoleName)
			return latest, nil
		},
		create: func(ctx context.Context, p *pass, desired *object) (*object, error) {
			spec := desired.spec()
			profile, err := p.aws.CreateInstanceProfile(ctx, text(spec, "name"), text(spec, "path"), p.createTags(desired))
			if err != nil {
				return nil, err
			}
			created := p.showInstanceProfile(desired.copy(), profile)
			created.setCondition(p.now, condSynced, statusFalse, "", "")
			return created, nil
		},
		update: updateInstanceProfile,
		remove: func(ctx context.Context, p *pass, latest *object) error {
			name := text(latest.spec(), "name")
			if role := text(latest.spec(), "role"); role != "" {
				if err := p.aws.RemoveRoleFromInstanceProfile(ctx, name, role); err != nil {
					return err
				}
			}
			return p.aws.DeleteInstanceProfile(ctx, name)
		},
	}
}

func (p *pass) showInstanceProfile(o *object, profile cloud.InstanceProfile) *object {
	p.showTags(o, profile.Tags)
	put(o.spec(), "path", profile.Path)
	o.setARN(profile.ARN)
	o.status()["instanceProfileID"] = profile.ID
	put(o.status(), "createDate", stamp(profile.Created))
	return o
}

func updateInstanceProfile(ctx context.Context, p *pass, desired, latest *object, changed delta) (*object, error) {
	name := text(desired.spec(), "name")
	updated := desired.copy()
	updated.setStatus(latest)
	if changed.has("role") {
		if err := p.exchangeRole(ctx, name, text(latest.spec(), "role"), text(desired.spec(), "role")); err != nil {
			return nil, err
		}
	}
	if changed.has("tags") {
		return updated, p.syncTags(ctx, name, desired, latest)
	}
	return updated, nil
}

func (p *pass) exchangeRole(ctx context.Context, profile, old, role string) error {
	if old != "" {
		if err := p.aws.RemoveRoleFromInstanceProfile(ctx, profile, old); err != nil {
			return err
		}
	}
	if role == "" {
		return nil
	}
	return p.aws.AddRoleToInstanceProfile(ctx, profile, role)
}
