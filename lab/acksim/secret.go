package acksim

import (
	"context"
	"fmt"

	"usermanagement.dev/stack/lab/cloud"
)

// secretKind is secretsmanager Secret. Its value comes from a Kubernetes Secret that nobody watches: a new value reaches AWS
// only together with a change of another field that is not a tag.
func secretKind() *kind {
	return &kind{
		name: "Secret", service: "secretsmanager", gone: []string{"ResourceNotFoundException"},
		compared: append(fields("description", "kmsKeyID"), tagged()),
		identify: func(o *object, f map[string]string) {
			put(o.status(), "id", f["id"])
			if f["name"] != "" {
				put(o.spec(), "name", f["name"])
			}
		},
		read: readSecretResource, create: createSecretResource, update: updateSecretResource,
		remove: func(ctx context.Context, p *pass, latest *object) error {
			return p.aws.DeleteSecret(ctx, text(latest.status(), "id"), 0)
		},
	}
}

func readSecretResource(ctx context.Context, p *pass, desired *object) (*object, error) {
	id := text(desired.status(), "id")
	if id == "" {
		s, err := p.aws.FindSecret(ctx, text(desired.spec(), "name"))
		if err != nil {
			return nil, err
		}
		if id = s.ARN; id == "" {
			return nil, errNotFound
		}
	}
	s, err := p.aws.DescribeSecret(ctx, id)
	if err != nil {
		return nil, err
	}
	latest := p.showSecret(desired.copy(), s)
	put(latest.spec(), "description", s.Description)
	put(latest.spec(), "kmsKeyID", s.KMSKeyID)
	return latest, nil
}

func (p *pass) showSecret(o *object, s cloud.Secret) *object {
	p.showTags(o, s.Tags)
	o.setARN(s.ARN)
	o.status()["id"] = s.ARN
	put(o.status(), "versionID", s.VersionID)
	return o
}

// secretValue reads the Kubernetes Secret. That it is missing or of a wrong type is retried with the error backoff.
func (p *pass) secretValue(ctx context.Context, o *object, field string) (string, error) {
	ref, ok := get(o.spec(), field).(tree)
	if !ok {
		return "", nil
	}
	namespace := text(ref, "namespace")
	if namespace == "" {
		namespace = o.namespace()
	}
	value, err := p.secrets(ctx, namespace, text(ref, "name"), text(ref, "key"))
	if err != nil {
		return "", fmt.Errorf("resolving SecretKeyReference of %s: %w", field, err)
	}
	return value, nil
}

func createSecretResource(ctx context.Context, p *pass, desired *object) (*object, error) {
	value, err := p.secretValue(ctx, desired, "secretString")
	if err != nil {
		return nil, err
	}
	spec := desired.spec()
	s, err := p.aws.CreateSecret(ctx, cloud.CreateSecretInput{
		Name: text(spec, "name"), Description: text(spec, "description"), KMSKeyID: text(spec, "kmsKeyID"), Value: value,
		Tags: p.createTags(desired),
	})
	if err != nil {
		return nil, err
	}
	return p.showSecret(desired.copy(), s), nil
}

func updateSecretResource(ctx context.Context, p *pass, desired, latest *object, changed delta) (*object, error) {
	id := text(latest.status(), "id")
	if changed.has("tags") {
		if err := p.syncTags(ctx, id, desired, latest); err != nil {
			return nil, err
		}
	}
	updated := desired.copy()
	updated.setStatus(latest)
	if !changed.beyond("tags") {
		return updated, nil
	}
	in := cloud.UpdateSecretInput{Description: textPtr(desired.spec(), "description"), KMSKeyID: textPtr(desired.spec(), "kmsKeyID")}
	if desired.spec()["secretString"] != nil {
		value, err := p.secretValue(ctx, desired, "secretString")
		if err != nil {
			return nil, err
		}
		in.Value = &value
	}
	s, err := p.aws.UpdateSecret(ctx, id, in)
	if err != nil {
		return nil, err
	}
	put(updated.status(), "versionID", s.VersionID)
	return updated, nil
}
