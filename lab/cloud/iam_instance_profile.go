package cloud

import (
	"context"
	"strings"
)

// InstanceProfile carries a role to instances.
type InstanceProfile struct {
	Meta
	Name, ID, ARN, Path string
	// RoleName is empty or the one role in it.
	RoleName string
	// known says that EC2 has heard of it.
	known bool
}

func (p *InstanceProfile) object() Object { return Object{ID: p.Name} }

// CreateInstanceProfile makes a profile without a role.
func (c *Client) CreateInstanceProfile(ctx context.Context, name, path string, tags Tags) (InstanceProfile, error) {
	return call(ctx, c, "iam:CreateInstanceProfile", func(t *tx) (InstanceProfile, error) {
		if err := checkIAMName("instanceProfileName", name, 128); err != nil {
			return InstanceProfile{}, err
		}
		if err := checkIAMPath(path); err != nil {
			return InstanceProfile{}, err
		}
		if err := checkIAMTags(tags); err != nil {
			return InstanceProfile{}, err
		}
		for other := range t.db.profiles {
			if strings.EqualFold(other, name) {
				return InstanceProfile{}, refuse("EntityAlreadyExists", "Instance Profile %s already exists.", name)
			}
		}
		path = orDefault(path, "/")
		p := &InstanceProfile{
			Meta: t.meta(tags), Name: name, ID: t.uniqueID("AIPA"), Path: path,
			ARN: t.globalARN("iam", "instance-profile"+path+name),
		}
		t.db.profiles[name] = p
		t.emit(KindInstanceProfile, Created, name, p.Meta)
		t.settle(OpPropagate, func(*tx) { p.known = true })
		return *p, nil
	})
}

func (t *tx) profile(name string) (*InstanceProfile, error) {
	p, ok := t.db.profiles[name]
	if !ok {
		return nil, refuse("NoSuchEntity", "Instance Profile %s cannot be found.", name)
	}
	return p, nil
}

// GetInstanceProfile reads a profile.
func (c *Client) GetInstanceProfile(ctx context.Context, name string) (InstanceProfile, error) {
	return call(ctx, c, "iam:GetInstanceProfile", func(t *tx) (InstanceProfile, error) {
		p, err := t.profile(name)
		if err != nil {
			return InstanceProfile{}, err
		}
		return *p, nil
	})
}

// AddRoleToInstanceProfile puts a role into an empty profile.
func (c *Client) AddRoleToInstanceProfile(ctx context.Context, name, role string) error {
	return do(ctx, c, "iam:AddRoleToInstanceProfile", func(t *tx) error {
		p, err := t.profile(name)
		if err != nil {
			return err
		}
		if _, err := t.role(role); err != nil {
			return err
		}
		if p.RoleName != "" {
			return refuse("LimitExceeded", "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1")
		}
		p.RoleName = role
		t.emit(KindInstanceProfile, Changed, name, p.Meta)
		return nil
	})
}

// RemoveRoleFromInstanceProfile takes the role out.
func (c *Client) RemoveRoleFromInstanceProfile(ctx context.Context, name, role string) error {
	return do(ctx, c, "iam:RemoveRoleFromInstanceProfile", func(t *tx) error {
		p, err := t.profile(name)
		if err != nil {
			return err
		}
		if p.RoleName != role {
			return refuse("NoSuchEntity", "Role %s is not in instance profile %s", role, name)
		}
		p.RoleName = ""
		t.emit(KindInstanceProfile, Changed, name, p.Meta)
		return nil
	})
}

// DeleteInstanceProfile deletes a profile without a role. Like IAM it does not ask whether an instance still uses it.
func (c *Client) DeleteInstanceProfile(ctx context.Context, name string) error {
	return do(ctx, c, "iam:DeleteInstanceProfile", func(t *tx) error {
		p, err := t.profile(name)
		if err != nil {
			return err
		}
		if p.RoleName != "" {
			return refuse("DeleteConflict", "Cannot delete entity, must remove roles from instance profile first.")
		}
		delete(t.db.profiles, name)
		t.emit(KindInstanceProfile, Deleted, name, p.Meta)
		return nil
	})
}

// InstanceProfiles lists all instance profiles.
func (c *Cloud) InstanceProfiles() []InstanceProfile {
	c.mu.Lock()
	defer c.mu.Unlock()
	return list(c.db.profiles, nil)
}
