package cloud

import (
	"context"
	"regexp"
	"strings"
	"time"
)

// Secret is a secret of Secrets Manager.
type Secret struct {
	Meta
	Name, ARN, Description, KMSKeyID string
	VersionID                        string
	// DeletedAt is when the deletion was asked for; the zero time if it was not. The secret is gone at PurgeAt.
	DeletedAt, PurgeAt time.Time
	// OwningService is "rds" for the password of a database that RDS keeps.
	OwningService string
	value         string
}

func (s *Secret) object() Object {
	o := Object{ID: s.ARN, Implicit: s.OwningService != ""}
	if !s.DeletedAt.IsZero() {
		o.State = "deleted"
	}
	return o
}

const maxSecretSize = 65536

var secretNames = regexp.MustCompile(`^[A-Za-z0-9/_+=.@-]{1,512}$`)

// CreateSecretInput is what CreateSecret takes.
type CreateSecretInput struct {
	Name, Description, KMSKeyID, Value string
	Tags                               Tags
}

// CreateSecret makes a secret. A name stays taken while a deleted secret of that name is in its recovery window.
func (c *Client) CreateSecret(ctx context.Context, in CreateSecretInput) (Secret, error) {
	return call(ctx, c, "secretsmanager:CreateSecret", func(t *tx) (Secret, error) {
		if !secretNames.MatchString(in.Name) {
			return Secret{}, refuse("ValidationException", "Invalid name. Must be a valid name containing alphanumeric "+
				"characters, or any of the following: -/_+=.@!")
		}
		for _, s := range t.db.secrets {
			if s.Name != in.Name || s.Region != t.caller.Region {
				continue
			}
			if !s.DeletedAt.IsZero() {
				return Secret{}, refuse("InvalidRequestException", "You can't create this secret because a secret with this name "+
					"is already scheduled for deletion.")
			}
			return Secret{}, refuse("ResourceExistsException", "The operation failed because the secret %s already exists.", in.Name)
		}
		if err := checkSecretValue(in.Value); err != nil {
			return Secret{}, err
		}
		if err := checkTags(in.Tags); err != nil {
			return Secret{}, err
		}
		return *t.addSecret(in, ""), nil
	})
}

func checkSecretValue(value string) error {
	if len(value) > maxSecretSize {
		return refuse("ValidationException", "Secret value is longer than %d bytes", maxSecretSize)
	}
	return nil
}

func (t *tx) addSecret(in CreateSecretInput, service string) *Secret {
	s := &Secret{
		Meta: t.meta(in.Tags), Name: in.Name, ARN: t.arn("secretsmanager", "secret:"+in.Name+"-"+t.pick(alphaNumeric, 6)),
		Description: in.Description, KMSKeyID: in.KMSKeyID, OwningService: service, value: in.Value,
	}
	if in.Value != "" {
		s.VersionID = t.uuid()
	}
	t.db.secrets[s.ARN] = s
	t.emit(KindSecret, Created, s.ARN, s.Meta)
	return s
}

// secret finds a secret by ARN or name.
func (t *tx) secret(id string) (*Secret, error) {
	if s, ok := t.db.secrets[id]; ok && s.Region == t.caller.Region {
		return s, nil
	}
	for _, s := range t.db.secrets {
		if s.Name == id && s.Region == t.caller.Region {
			return s, nil
		}
	}
	return nil, refuse("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
}

// DescribeSecret reads a secret without its value.
func (c *Client) DescribeSecret(ctx context.Context, id string) (Secret, error) {
	return call(ctx, c, "secretsmanager:DescribeSecret", func(t *tx) (Secret, error) {
		s, err := t.secret(id)
		if err != nil {
			return Secret{}, err
		}
		shown := *s
		shown.value = ""
		return shown, nil
	})
}

// FindSecret finds a live secret by name, as ListSecrets does; its ARN is empty if there is none.
func (c *Client) FindSecret(ctx context.Context, name string) (Secret, error) {
	return call(ctx, c, "secretsmanager:ListSecrets", func(t *tx) (Secret, error) {
		s, err := t.secret(name)
		if err != nil || !s.DeletedAt.IsZero() {
			return Secret{}, nil //nolint:nilerr // an empty list is not an error
		}
		shown := *s
		shown.value = ""
		return shown, nil
	})
}

// GetSecretValue reads the current value.
func (c *Client) GetSecretValue(ctx context.Context, id string) (value, versionID string, err error) {
	s, err := call(ctx, c, "secretsmanager:GetSecretValue", func(t *tx) (Secret, error) {
		s, err := t.secret(id)
		if err != nil {
			return Secret{}, err
		}
		if !s.DeletedAt.IsZero() {
			return Secret{}, refuse("InvalidRequestException", "You can't perform this operation on the secret because it was "+
				"marked for deletion.")
		}
		if s.VersionID == "" {
			return Secret{}, refuse("ResourceNotFoundException", "Secrets Manager can't find the specified secret value for "+
				"staging label: AWSCURRENT")
		}
		return *s, nil
	})
	return s.value, s.VersionID, err
}

// UpdateSecretInput is what UpdateSecret takes; nil leaves a field as it is.
type UpdateSecretInput struct {
	Description, KMSKeyID, Value *string
}

// UpdateSecret changes a secret; a value makes a new version.
func (c *Client) UpdateSecret(ctx context.Context, id string, in UpdateSecretInput) (Secret, error) {
	return call(ctx, c, "secretsmanager:UpdateSecret", func(t *tx) (Secret, error) {
		s, err := t.secret(id)
		if err != nil {
			return Secret{}, err
		}
		if !s.DeletedAt.IsZero() || s.OwningService != "" {
			return Secret{}, refuse("InvalidRequestException", "You can't perform this operation on the secret because it was "+
				"marked for deletion or is managed by another service.")
		}
		if in.Value != nil {
			if err := checkSecretValue(*in.Value); err != nil {
				return Secret{}, err
			}
			s.value, s.VersionID = *in.Value, t.uuid()
		}
		set(&s.Description, in.Description)
		set(&s.KMSKeyID, in.KMSKeyID)
		t.emit(KindSecret, Changed, s.ARN, s.Meta)
		return *s, nil
	})
}

// DeleteSecret schedules a secret for deletion after windowDays (7 to 30; 0 means 30).
func (c *Client) DeleteSecret(ctx context.Context, id string, windowDays int) error {
	return do(ctx, c, "secretsmanager:DeleteSecret", func(t *tx) error {
		s, err := t.secret(id)
		if err != nil {
			return err
		}
		if windowDays == 0 {
			windowDays = 30
		}
		if windowDays < 7 || windowDays > 30 {
			return refuse("InvalidParameterException", "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).")
		}
		if s.OwningService != "" {
			return refuse("InvalidRequestException", "You can't delete this secret because it is managed by %s.", s.OwningService)
		}
		if !s.DeletedAt.IsZero() {
			return refuse("InvalidRequestException", "You can't perform this operation on the secret because it was already "+
				"scheduled for deletion.")
		}
		window := time.Duration(windowDays) * 24 * time.Hour
		s.DeletedAt, s.PurgeAt = t.now, t.now.Add(window)
		t.emit(KindSecret, Deleted, s.ARN, s.Meta)
		t.later(window, func(t *tx) {
			if !s.DeletedAt.IsZero() {
				delete(t.db.secrets, s.ARN)
			}
		})
		return nil
	})
}

// RestoreSecret takes a secret back out of its recovery window.
func (c *Client) RestoreSecret(ctx context.Context, id string) error {
	return do(ctx, c, "secretsmanager:RestoreSecret", func(t *tx) error {
		s, err := t.secret(id)
		if err != nil {
			return err
		}
		s.DeletedAt, s.PurgeAt = time.Time{}, time.Time{}
		t.emit(KindSecret, Created, s.ARN, s.Meta)
		return nil
	})
}

// Secrets lists all secrets, those in their recovery window included.
func (c *Cloud) Secrets() []Secret {
	c.mu.Lock()
	defer c.mu.Unlock()
	secrets := list(c.db.secrets, nil)
	for i := range secrets {
		secrets[i].value = ""
	}
	return secrets
}

// SecretValue is the value of a live secret, by ARN.
func (c *Cloud) SecretValue(arn string) (string, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, ok := c.db.secrets[arn]
	if !ok || !s.DeletedAt.IsZero() {
		return "", false
	}
	return strings.Clone(s.value), true
}
