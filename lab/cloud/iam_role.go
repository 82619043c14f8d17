package cloud

import (
	"context"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Role is an IAM role. Its name is unique in the account, whatever the region.
type Role struct {
	Meta
	Name, ID, ARN, Path, Description string
	TrustPolicy                      string
	MaxSessionSeconds                int
	PermissionsBoundary              string
	ManagedPolicies                  []string // ARNs, in order of attachment
	InlinePolicies                   map[string]string
}

func (r *Role) object() Object { return Object{ID: r.Name} }

const (
	maxManagedPolicies = 10    // per role, the default quota
	maxInlineSize      = 10240 // of all inline policies of a role together
	maxTrustSize       = 2048
)

var (
	iamNames = regexp.MustCompile(`^[\w+=,.@-]+$`)
	iamPaths = regexp.MustCompile(`^(/|/[\x21-\x7e]+/)$`)
	// managedByAWS are the AWS managed policies that the model knows.
	managedByAWS = []string{
		"AmazonSSMManagedInstanceCore", "CloudWatchAgentServerPolicy", "AmazonEC2ReadOnlyAccess", "SecretsManagerReadWrite",
		"AmazonS3ReadOnlyAccess", "ReadOnlyAccess", "service-role/AmazonRDSEnhancedMonitoringRole",
	}
)

// checkIAMName applies the limits of the IAM quotas page.
func checkIAMName(what, name string, limit int) error {
	if name == "" || len(name) > limit || !iamNames.MatchString(name) {
		return refuse("ValidationError", "1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: Member "+
			"must satisfy regular expression pattern: [\\w+=,.@-]+ and have length less than or equal to %d", name, what, limit)
	}
	return nil
}

func checkIAMPath(path string) error {
	if path != "" && (len(path) > 512 || !iamPaths.MatchString(path)) {
		return refuse("ValidationError", "The specified value for path is invalid. It must begin and end with / and contain only "+
			"alphanumeric characters and/or / characters.")
	}
	return nil
}

// checkDocument is as much of IAM's grammar as is worth checking here: JSON with statements that have an effect and an
// action, and a principal exactly where one belongs.
func checkDocument(document string, trust bool) error {
	var parsed struct {
		Version   string
		Statement json.RawMessage
	}
	if err := json.Unmarshal([]byte(document), &parsed); err != nil {
		return malformed("This policy contains invalid Json")
	}
	if parsed.Version != "2012-10-17" && parsed.Version != "2008-10-17" && parsed.Version != "" {
		return malformed("The policy must contain a valid version string")
	}
	statements, err := statementsOf(parsed.Statement)
	if err != nil || len(statements) == 0 {
		return malformed("Syntax errors in policy.")
	}
	for _, s := range statements {
		if err := checkStatement(s, trust); err != nil {
			return err
		}
	}
	return nil
}

func malformed(why string) error { return refuse("MalformedPolicyDocument", "%s", why) }

func checkStatement(s map[string]any, trust bool) error {
	effect, _ := s["Effect"].(string)
	_, action := s["Action"]
	_, notAction := s["NotAction"]
	_, principal := s["Principal"]
	_, resource := s["Resource"]
	_, notResource := s["NotResource"]
	switch {
	case effect != "Allow" && effect != "Deny", !action && !notAction:
		return malformed("Syntax errors in policy.")
	case trust && !principal:
		return malformed("Missing required field Principal")
	case !trust && principal:
		return malformed("Policy document should not specify a principal.")
	case trust && resource:
		return malformed("Has prohibited field Resource")
	case !trust && !resource && !notResource:
		return malformed("Policy statement must contain resources.")
	}
	return nil
}

func statementsOf(raw json.RawMessage) ([]map[string]any, error) {
	var many []map[string]any
	if err := json.Unmarshal(raw, &many); err == nil {
		return many, nil
	}
	var one map[string]any
	err := json.Unmarshal(raw, &one)
	return []map[string]any{one}, err
}

// CreateRoleInput is what CreateRole takes.
type CreateRoleInput struct {
	Name, Path, Description, TrustPolicy, PermissionsBoundary string
	MaxSessionSeconds                                         int
	Tags                                                      Tags
}

// CreateRole makes a role without any permission.
func (c *Client) CreateRole(ctx context.Context, in CreateRoleInput) (Role, error) {
	return call(ctx, c, "iam:CreateRole", func(t *tx) (Role, error) {
		if err := t.checkRole(in); err != nil {
			return Role{}, err
		}
		path := orDefault(in.Path, "/")
		r := &Role{
			Meta: t.meta(in.Tags), Name: in.Name, ID: t.uniqueID("AROA"), ARN: t.globalARN("iam", "role"+path+in.Name), Path: path,
			Description: in.Description, TrustPolicy: in.TrustPolicy, MaxSessionSeconds: in.MaxSessionSeconds,
			PermissionsBoundary: in.PermissionsBoundary, InlinePolicies: map[string]string{},
		}
		if r.MaxSessionSeconds == 0 {
			r.MaxSessionSeconds = 3600
		}
		t.db.roles[r.Name] = r
		t.emit(KindRole, Created, r.Name, r.Meta)
		return *r, nil
	})
}

func (t *tx) checkRole(in CreateRoleInput) error {
	if err := checkIAMName("roleName", in.Name, 64); err != nil {
		return err
	}
	if err := checkIAMPath(in.Path); err != nil {
		return err
	}
	if err := checkTrust(in.TrustPolicy); err != nil {
		return err
	}
	if err := checkSession(in.MaxSessionSeconds); err != nil {
		return err
	}
	if in.PermissionsBoundary != "" && !t.policyExists(in.PermissionsBoundary) {
		return refuse("NoSuchEntity", "Scope ARN: %s does not exist or is not attachable.", in.PermissionsBoundary)
	}
	for name := range t.db.roles {
		if strings.EqualFold(name, in.Name) {
			return refuse("EntityAlreadyExists", "Role with name %s already exists.", in.Name)
		}
	}
	return checkIAMTags(in.Tags)
}

func checkTrust(document string) error {
	if len(document) > maxTrustSize {
		return refuse("LimitExceeded", "Cannot exceed quota for ACLSizePerRole: %d", maxTrustSize)
	}
	return checkDocument(document, true)
}

func checkSession(seconds int) error {
	if seconds != 0 && (seconds < 3600 || seconds > 43200) {
		return refuse("ValidationError", "MaxSessionDuration must be between 3600 and 43200 seconds")
	}
	return nil
}

func (t *tx) role(name string) (*Role, error) {
	r, ok := t.db.roles[name]
	if !ok {
		return nil, refuse("NoSuchEntity", "The role with name %s cannot be found.", name)
	}
	return r, nil
}

// GetRole reads a role with what is attached to it.
func (c *Client) GetRole(ctx context.Context, name string) (Role, error) {
	return call(ctx, c, "iam:GetRole", func(t *tx) (Role, error) {
		r, err := t.role(name)
		if err != nil {
			return Role{}, err
		}
		return *r, nil
	})
}

// changeRole is a call that changes a role.
func (c *Client) changeRole(ctx context.Context, op Op, name string, fn func(*tx, *Role) error) error {
	return do(ctx, c, op, func(t *tx) error {
		r, err := t.role(name)
		if err != nil {
			return err
		}
		if err := fn(t, r); err != nil {
			return err
		}
		t.emit(KindRole, Changed, name, r.Meta)
		return nil
	})
}

// AttachRolePolicy attaches a managed policy; attaching it again does nothing.
func (c *Client) AttachRolePolicy(ctx context.Context, name, policyARN string) error {
	return c.changeRole(ctx, "iam:AttachRolePolicy", name, func(t *tx, r *Role) error {
		if !t.policyExists(policyARN) {
			return refuse("NoSuchEntity", "Policy %s does not exist or is not attachable.", policyARN)
		}
		if slices.Contains(r.ManagedPolicies, policyARN) {
			return nil
		}
		if len(r.ManagedPolicies) >= maxManagedPolicies {
			return refuse("LimitExceeded", "Cannot exceed quota for PoliciesPerRole: %d", maxManagedPolicies)
		}
		r.ManagedPolicies = append(slices.Clone(r.ManagedPolicies), policyARN)
		return nil
	})
}

// DetachRolePolicy detaches a managed policy.
func (c *Client) DetachRolePolicy(ctx context.Context, name, policyARN string) error {
	return c.changeRole(ctx, "iam:DetachRolePolicy", name, func(_ *tx, r *Role) error {
		if !slices.Contains(r.ManagedPolicies, policyARN) {
			return refuse("NoSuchEntity", "Policy %s was not found.", policyARN)
		}
		r.ManagedPolicies = without(r.ManagedPolicies, policyARN)
		return nil
	})
}

// PutRolePolicy writes an inline policy.
func (c *Client) PutRolePolicy(ctx context.Context, name, policy, document string) error {
	return c.changeRole(ctx, "iam:PutRolePolicy", name, func(_ *tx, r *Role) error {
		if err := checkIAMName("policyName", policy, 128); err != nil {
			return err
		}
		if err := checkDocument(document, false); err != nil {
			return err
		}
		changed := maps.Clone(r.InlinePolicies)
		changed[policy] = document
		size := 0
		for _, text := range changed {
			size += len(strings.Join(strings.Fields(text), ""))
		}
		if size > maxInlineSize {
			return refuse("LimitExceeded", "Maximum policy size of %d bytes exceeded for role %s", maxInlineSize, name)
		}
		r.InlinePolicies = changed
		return nil
	})
}

// DeleteRolePolicy removes an inline policy.
func (c *Client) DeleteRolePolicy(ctx context.Context, name, policy string) error {
	return c.changeRole(ctx, "iam:DeleteRolePolicy", name, func(_ *tx, r *Role) error {
		if _, ok := r.InlinePolicies[policy]; !ok {
			return refuse("NoSuchEntity", "The role policy with name %s cannot be found.", policy)
		}
		left := maps.Clone(r.InlinePolicies)
		delete(left, policy)
		r.InlinePolicies = left
		return nil
	})
}

// UpdateAssumeRolePolicy replaces the trust policy.
func (c *Client) UpdateAssumeRolePolicy(ctx context.Context, name, document string) error {
	return c.changeRole(ctx, "iam:UpdateAssumeRolePolicy", name, func(_ *tx, r *Role) error {
		if err := checkTrust(document); err != nil {
			return err
		}
		r.TrustPolicy = document
		return nil
	})
}

// UpdateRole changes the description and the longest session; zero leaves the session as it is.
func (c *Client) UpdateRole(ctx context.Context, name, description string, maxSessionSeconds int) error {
	return c.changeRole(ctx, "iam:UpdateRole", name, func(_ *tx, r *Role) error {
		if err := checkSession(maxSessionSeconds); err != nil {
			return err
		}
		r.Description = description
		if maxSessionSeconds > 0 {
			r.MaxSessionSeconds = maxSessionSeconds
		}
		return nil
	})
}

// PutRolePermissionsBoundary sets the boundary, or takes it away if the ARN is empty.
func (c *Client) PutRolePermissionsBoundary(ctx context.Context, name, policyARN string) error {
	op := Op("iam:PutRolePermissionsBoundary")
	if policyARN == "" {
		op = "iam:DeleteRolePermissionsBoundary"
	}
	return c.changeRole(ctx, op, name, func(t *tx, r *Role) error {
		if policyARN != "" && !t.policyExists(policyARN) {
			return refuse("NoSuchEntity", "Scope ARN: %s does not exist or is not attachable.", policyARN)
		}
		r.PermissionsBoundary = policyARN
		return nil
	})
}

// DeleteRole deletes a role that has no policies and is in no instance profile.
func (c *Client) DeleteRole(ctx context.Context, name string) error {
	return do(ctx, c, "iam:DeleteRole", func(t *tx) error {
		r, err := t.role(name)
		if err != nil {
			return err
		}
		for _, p := range t.db.profiles {
			if p.RoleName == name {
				return refuse("DeleteConflict", "Cannot delete entity, must remove roles from instance profile first.")
			}
		}
		if len(r.ManagedPolicies) > 0 {
			return refuse("DeleteConflict", "Cannot delete entity, must detach all policies first.")
		}
		if len(r.InlinePolicies) > 0 {
			return refuse("DeleteConflict", "Cannot delete entity, must delete policies first.")
		}
		delete(t.db.roles, name)
		t.emit(KindRole, Deleted, name, r.Meta)
		return nil
	})
}

// Roles lists all roles.
func (c *Cloud) Roles() []Role {
	c.mu.Lock()
	defer c.mu.Unlock()
	return list(c.db.roles, nil)
}
