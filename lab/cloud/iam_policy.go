package cloud

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// PolicyVersion is one version of a managed policy.
type PolicyVersion struct {
	ID       string // v1, v2, …
	Document string
	Created  time.Time
}

// Policy is a customer managed IAM policy.
type Policy struct {
	Meta
	Name, ID, ARN, Path, Description string
	// Versions are in order of creation, at most five.
	Versions       []PolicyVersion
	DefaultVersion string
	Updated        time.Time
	// AttachmentCount is how many roles have it.
	AttachmentCount int
	lastVersion     int
}

func (p *Policy) object() Object { return Object{ID: p.ARN} }

// Document is the text of the default version.
func (p *Policy) Document() string {
	for _, v := range p.Versions {
		if v.ID == p.DefaultVersion {
			return v.Document
		}
	}
	return ""
}

const (
	maxPolicySize     = 6144
	maxPolicyVersions = 5
)

// CreatePolicyInput is what CreatePolicy takes.
type CreatePolicyInput struct {
	Name, Path, Description, Document string
	Tags                              Tags
}

// CreatePolicy makes a managed policy with one version.
func (c *Client) CreatePolicy(ctx context.Context, in CreatePolicyInput) (Policy, error) {
	return call(ctx, c, "iam:CreatePolicy", func(t *tx) (Policy, error) {
		if err := t.checkPolicy(in); err != nil {
			return Policy{}, err
		}
		path := orDefault(in.Path, "/")
		p := &Policy{
			Meta: t.meta(in.Tags), Name: in.Name, ID: t.uniqueID("ANPA"), ARN: t.globalARN("iam", "policy"+path+in.Name),
			Path: path, Description: in.Description, DefaultVersion: "v1", Updated: t.now, lastVersion: 1,
			Versions: []PolicyVersion{{ID: "v1", Document: in.Document, Created: t.now}},
		}
		t.db.policies[p.ARN] = p
		t.emit(KindPolicy, Created, p.ARN, p.Meta)
		return *p, nil
	})
}

func (t *tx) checkPolicy(in CreatePolicyInput) error {
	if err := checkIAMName("policyName", in.Name, 128); err != nil {
		return err
	}
	if err := checkIAMPath(in.Path); err != nil {
		return err
	}
	if err := checkPolicyDocument(in.Document); err != nil {
		return err
	}
	for _, p := range t.db.policies {
		if strings.EqualFold(p.Name, in.Name) {
			return refuse("EntityAlreadyExists", "A policy called %s already exists. Duplicate names are not allowed.", in.Name)
		}
	}
	return checkTags(in.Tags)
}

func checkPolicyDocument(document string) error {
	if len(strings.Join(strings.Fields(document), "")) > maxPolicySize {
		return refuse("LimitExceeded", "Cannot exceed quota for PolicySize: %d", maxPolicySize)
	}
	return checkDocument(document, false)
}

func (t *tx) policy(arn string) (*Policy, error) {
	p, ok := t.db.policies[arn]
	if !ok {
		return nil, refuse("NoSuchEntity", "Policy %s was not found.", arn)
	}
	return p, nil
}

func (t *tx) policyExists(arn string) bool {
	if name, ok := strings.CutPrefix(arn, "arn:aws:iam::aws:policy/"); ok {
		return slices.Contains(managedByAWS, name)
	}
	return t.db.policies[arn] != nil
}

func (t *tx) attachments(arn string) int {
	n := 0
	for _, r := range t.db.roles {
		if slices.Contains(r.ManagedPolicies, arn) {
			n++
		}
	}
	return n
}

// GetPolicy reads a policy with its versions.
func (c *Client) GetPolicy(ctx context.Context, arn string) (Policy, error) {
	return call(ctx, c, "iam:GetPolicy", func(t *tx) (Policy, error) {
		p, err := t.policy(arn)
		if err != nil {
			return Policy{}, err
		}
		shown := *p
		shown.AttachmentCount = t.attachments(arn)
		return shown, nil
	})
}

// CreatePolicyVersion adds a version and makes it the default; a sixth is refused.
func (c *Client) CreatePolicyVersion(ctx context.Context, arn, document string) (PolicyVersion, error) {
	return call(ctx, c, "iam:CreatePolicyVersion", func(t *tx) (PolicyVersion, error) {
		p, err := t.policy(arn)
		if err != nil {
			return PolicyVersion{}, err
		}
		if err := checkPolicyDocument(document); err != nil {
			return PolicyVersion{}, err
		}
		if len(p.Versions) >= maxPolicyVersions {
			return PolicyVersion{}, refuse("LimitExceeded", "A managed policy can have up to %d versions. Before you create a new "+
				"version, you must delete an existing version.", maxPolicyVersions)
		}
		p.lastVersion++
		v := PolicyVersion{ID: fmt.Sprintf("v%d", p.lastVersion), Document: document, Created: t.now}
		p.Versions = append(slices.Clone(p.Versions), v)
		p.DefaultVersion, p.Updated = v.ID, t.now
		t.emit(KindPolicy, Changed, arn, p.Meta)
		return v, nil
	})
}

// DeletePolicyVersion removes a version that is not the default.
func (c *Client) DeletePolicyVersion(ctx context.Context, arn, version string) error {
	return do(ctx, c, "iam:DeletePolicyVersion", func(t *tx) error {
		p, err := t.policy(arn)
		if err != nil {
			return err
		}
		if version == p.DefaultVersion {
			return refuse("DeleteConflict", "Cannot delete the default version of a policy.")
		}
		at := slices.IndexFunc(p.Versions, func(v PolicyVersion) bool { return v.ID == version })
		if at < 0 {
			return refuse("NoSuchEntity", "Policy %s version %s does not exist.", arn, version)
		}
		p.Versions = slices.Delete(slices.Clone(p.Versions), at, at+1)
		t.emit(KindPolicy, Changed, arn, p.Meta)
		return nil
	})
}

// DeletePolicy deletes a policy that is attached to nothing and has only its default version.
func (c *Client) DeletePolicy(ctx context.Context, arn string) error {
	return do(ctx, c, "iam:DeletePolicy", func(t *tx) error {
		p, err := t.policy(arn)
		if err != nil {
			return err
		}
		if t.attachments(arn) > 0 {
			return refuse("DeleteConflict", "Cannot delete a policy attached to entities.")
		}
		for _, r := range t.db.roles {
			if r.PermissionsBoundary == arn {
				return refuse("DeleteConflict", "Cannot delete a policy used as a permissions boundary.")
			}
		}
		if len(p.Versions) > 1 {
			return refuse("DeleteConflict", "This policy has more than one version. Before you delete a policy, you must delete "+
				"the policy's versions. The default version is deleted with the policy.")
		}
		delete(t.db.policies, arn)
		t.emit(KindPolicy, Deleted, arn, p.Meta)
		return nil
	})
}

// Policies lists all customer managed policies.
func (c *Cloud) Policies() []Policy {
	c.mu.Lock()
	defer c.mu.Unlock()
	return list(c.db.policies, nil)
}
