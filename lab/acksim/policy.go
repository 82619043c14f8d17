package acksim

import (
	"context"

	"usermanagement.dev/stack/lab/cloud"
)

// policyKind is iam Policy. It is known by its ARN only: without one in its status it is created again, which AWS refuses
// as EntityAlreadyExists. A changed document becomes a new default version.
func policyKind() *kind {
	return &kind{
		name: "Policy", plural: "policies", service: "iam", terminal: []string{"InvalidInput", "MalformedPolicyDocument"},
		gone:     []string{"NoSuchEntity"},
		compared: []comparison{{"policyDocument", jsonDocument}, tagged()},
		late:     lateRequired("path"),
		identify: func(o *object, f map[string]string) { o.setARN(f["arn"]) },
		read: func(ctx context.Context, p *pass, desired *object) (*object, error) {
			if desired.arn() == "" {
				return nil, errNotFound
			}
			policy, err := p.aws.GetPolicy(ctx, desired.arn())
			if err != nil {
				return nil, err
			}
			latest := p.showPolicy(desired.copy(), policy)
			latest.spec()["policyDocument"] = policy.Document()
			put(latest.spec(), "path", policy.Path)
			return latest, nil
		},
		create: func(ctx context.Context, p *pass, desired *object) (*object, error) {
			spec := desired.spec()
			policy, err := p.aws.CreatePolicy(ctx, cloud.CreatePolicyInput{
				Name: text(spec, "name"), Path: text(spec, "path"), Description: text(spec, "description"),
				Document: text(spec, "policyDocument"), Tags: p.createTags(desired),
			})
			if err != nil {
				return nil, err
			}
			created := p.showPolicy(desired.copy(), policy)
			put(created.spec(), "path", policy.Path)
			return created, nil
		},
		update: updatePolicy,
		remove: func(ctx context.Context, p *pass, latest *object) error {
			policy, err := p.aws.GetPolicy(ctx, latest.arn())
			if err != nil {
				return err
			}
			for _, v := range policy.Versions {
				if v.ID == policy.DefaultVersion {
					continue
				}
				if err := p.aws.DeletePolicyVersion(ctx, policy.ARN, v.ID); err != nil {
					return err
				}
			}
			return p.aws.DeletePolicy(ctx, policy.ARN)
		},
	}
}

func (p *pass) showPolicy(o *object, policy cloud.Policy) *object {
	p.showTags(o, policy.Tags)
	o.setARN(policy.ARN)
	status := o.status()
	status["policyID"], status["defaultVersionID"] = policy.ID, policy.DefaultVersion
	status["attachmentCount"], status["isAttachable"] = int64(policy.AttachmentCount), true
	status["permissionsBoundaryUsageCount"] = int64(0)
	put(status, "createDate", stamp(policy.Created))
	put(status, "updateDate", stamp(policy.Updated))
	return o
}

func updatePolicy(ctx context.Context, p *pass, desired, latest *object, changed delta) (*object, error) {
	arn := latest.arn()
	updated := desired.copy()
	updated.setStatus(latest)
	if changed.has("tags") {
		if err := p.syncTags(ctx, arn, desired, latest); err != nil {
			return nil, err
		}
	}
	if !changed.has("policyDocument") {
		return updated, nil
	}
	policy, err := p.aws.GetPolicy(ctx, arn)
	if err != nil {
		return nil, err
	}
	if len(policy.Versions) >= 5 { // AWS keeps five; the oldest that is not the default makes room
		for _, v := range policy.Versions {
			if v.ID == policy.DefaultVersion {
				continue
			}
			if err := p.aws.DeletePolicyVersion(ctx, arn, v.ID); err != nil {
				return nil, err
			}
			break
		}
	}
	version, err := p.aws.CreatePolicyVersion(ctx, arn, text(desired.spec(), "policyDocument"))
	if err != nil {
		return nil, err
	}
	updated.status()["defaultVersionID"] = version.ID
	return updated, nil
}
