package cloud

import (
	"context"
	"net/netip"
	"regexp"
	"slices"
	"strings"
)

// Rule is one grant of a security group: one protocol and port range, one block or group.
type Rule struct {
	ID       string // sgr-…
	Egress   bool
	Protocol string // tcp, udp, icmp, -1
	// FromPort and ToPort are -1 where the protocol has no ports.
	FromPort, ToPort int
	CIDR             string
	GroupID          string
	Description      string
}

// key is what makes two rules the same; AWS ignores the description.
func (r Rule) key() Rule {
	r.ID, r.Description = "", ""
	return r
}

// SecurityGroup is a stateful firewall for network interfaces.
type SecurityGroup struct {
	Meta
	ID, Name, Description, VPCID string
	Rules                        []Rule
	implicit                     bool
}

func (g *SecurityGroup) object() Object { return Object{ID: g.ID, Implicit: g.implicit} }

const maxRules = 60 // per direction, the default quota

var groupText = regexp.MustCompile(`^[a-zA-Z0-9. _\-:/()#,@\[\]+=&;{}!$*]{1,255}$`)

func allowAll() Rule {
	return Rule{Egress: true, Protocol: "-1", FromPort: -1, ToPort: -1, CIDR: "0.0.0.0/0"}
}

func (t *tx) addDefaultGroup(v *VPC) *SecurityGroup {
	g := &SecurityGroup{
		Meta: t.meta(nil), ID: t.newID("sg"), Name: "default", Description: "default VPC security group", VPCID: v.ID,
		implicit: true,
	}
	self := Rule{ID: t.newID("sgr"), Protocol: "-1", FromPort: -1, ToPort: -1, GroupID: g.ID}
	out := allowAll()
	out.ID = t.newID("sgr")
	g.Rules = []Rule{self, out}
	t.db.securityGroups[g.ID] = g
	return g
}

// CreateSecurityGroupInput is what CreateSecurityGroup takes.
type CreateSecurityGroupInput struct {
	Name, Description, VPCID string
	Tags                     Tags
}

// CreateSecurityGroup makes a group that lets everything out and nothing in.
func (c *Client) CreateSecurityGroup(ctx context.Context, in CreateSecurityGroupInput) (SecurityGroup, error) {
	return call(ctx, c, "ec2:CreateSecurityGroup", func(t *tx) (SecurityGroup, error) {
		if err := t.checkGroup(in); err != nil {
			return SecurityGroup{}, err
		}
		g := &SecurityGroup{
			Meta: t.meta(in.Tags), ID: t.newID("sg"), Name: in.Name, Description: in.Description, VPCID: in.VPCID,
		}
		out := allowAll()
		out.ID = t.newID("sgr")
		g.Rules = []Rule{out}
		t.db.securityGroups[g.ID] = g
		t.emit(KindSecurityGroup, Created, g.ID, g.Meta)
		return *g, nil
	})
}

func (t *tx) checkGroup(in CreateSecurityGroupInput) error {
	switch {
	case !groupText.MatchString(in.Name):
		return refuse("InvalidParameterValue", "Invalid value '%s' for groupName", in.Name)
	case strings.HasPrefix(in.Name, "sg-"):
		return refuse("InvalidParameterValue", "Invalid value '%s' for groupName. Group names may not be in the format sg-*.", in.Name)
	case strings.EqualFold(in.Name, "default"):
		return refuse("InvalidGroup.Reserved", "The security group '%s' is reserved", in.Name)
	case in.Description == "":
		return refuse("MissingParameter", "The request must contain the parameter GroupDescription")
	case !groupText.MatchString(in.Description):
		return refuse("InvalidParameterValue", "Value (%s) for parameter GroupDescription is invalid. Character sets beyond "+
			"ASCII are not supported.", in.Description)
	}
	if _, err := t.vpc(in.VPCID); err != nil {
		return err
	}
	for _, g := range t.db.securityGroups {
		if g.VPCID == in.VPCID && g.Name == in.Name {
			return refuse("InvalidGroup.Duplicate", "The security group '%s' already exists for VPC '%s'", in.Name, in.VPCID)
		}
	}
	return checkTags(in.Tags)
}

func (t *tx) securityGroup(id string) (*SecurityGroup, error) {
	g, ok := t.db.securityGroups[id]
	if !ok || g.Region != t.caller.Region {
		return nil, refuse("InvalidGroup.NotFound", "The security group '%s' does not exist", id)
	}
	return g, nil
}

// groupsIn checks that all groups exist and are of one VPC.
func (t *tx) groupsIn(ids []string, vpcID string) error {
	for _, id := range ids {
		g, err := t.securityGroup(id)
		if err != nil {
			return err
		}
		if g.VPCID != vpcID {
			return refuse("InvalidParameter", "Security group %s and its network %s belong to different networks.", id, vpcID)
		}
	}
	return nil
}

// DescribeSecurityGroup reads one group with its rules.
func (c *Client) DescribeSecurityGroup(ctx context.Context, id string) (SecurityGroup, error) {
	return call(ctx, c, "ec2:DescribeSecurityGroups", func(t *tx) (SecurityGroup, error) {
		g, err := t.securityGroup(id)
		if err != nil {
			return SecurityGroup{}, err
		}
		return *g, nil
	})
}

// FindSecurityGroup finds a group by name; its id is empty if there is none.
func (c *Client) FindSecurityGroup(ctx context.Context, name, vpcID string) (SecurityGroup, error) {
	return call(ctx, c, "ec2:DescribeSecurityGroups", func(t *tx) (SecurityGroup, error) {
		for _, g := range t.db.securityGroups {
			if g.Name == name && g.VPCID == vpcID && g.Region == t.caller.Region {
				return *g, nil
			}
		}
		return SecurityGroup{}, nil
	})
}

// AuthorizeSecurityGroup adds rules of one direction.
func (c *Client) AuthorizeSecurityGroup(ctx context.Context, id string, egress bool, rules []Rule) error {
	return do(ctx, c, direction(egress, "ec2:AuthorizeSecurityGroup"), func(t *tx) error {
		g, err := t.securityGroup(id)
		if err != nil {
			return err
		}
		added := slices.Clone(g.Rules)
		for _, rule := range rules {
			rule.Egress = egress
			if err := t.checkRule(g, &rule); err != nil {
				return err
			}
			if slices.ContainsFunc(added, func(r Rule) bool { return r.key() == rule.key() }) {
				return refuse("InvalidPermission.Duplicate", "the specified rule \"peer: %s, %s, from port: %d, to port: %d, ALLOW\" "+
					"already exists", rule.CIDR+rule.GroupID, strings.ToUpper(rule.Protocol), rule.FromPort, rule.ToPort)
			}
			rule.ID = t.newID("sgr")
			added = append(added, rule)
		}
		if countRules(added, egress) > maxRules {
			return refuse("RulesPerSecurityGroupLimitExceeded", "The maximum number of rules per security group has been reached.")
		}
		g.Rules = added
		t.emit(KindSecurityGroup, Changed, id, g.Meta)
		return nil
	})
}

func direction(egress bool, op Op) Op {
	if egress {
		return op + "Egress"
	}
	return op + "Ingress"
}

func countRules(rules []Rule, egress bool) int {
	n := 0
	for _, r := range rules {
		if r.Egress == egress {
			n++
		}
	}
	return n
}

var protocolNumbers = map[string]string{"6": "tcp", "17": "udp", "1": "icmp", "all": "-1"}

// checkRule applies AWS's rules to one grant and brings it into AWS's own form.
func (t *tx) checkRule(g *SecurityGroup, r *Rule) error {
	if name, ok := protocolNumbers[strings.ToLower(r.Protocol)]; ok {
		r.Protocol = name
	}
	switch r.Protocol {
	case "tcp", "udp":
		if r.FromPort < 0 || r.ToPort > 65535 || r.FromPort > r.ToPort {
			return refuse("InvalidParameterValue", "Invalid value for portRange. Ports are 0 to 65535, from not after to: %d-%d",
				r.FromPort, r.ToPort)
		}
	case "-1":
		r.FromPort, r.ToPort = -1, -1
	case "icmp":
	default:
		return refuse("InvalidParameterValue", "Invalid value '%s' for IP protocol. Unknown protocol.", r.Protocol)
	}
	if (r.CIDR == "") == (r.GroupID == "") {
		return refuse("InvalidPermission.Malformed", "A rule needs exactly one of a CIDR block and a security group")
	}
	if r.Description != "" && !groupText.MatchString(r.Description) {
		return refuse("InvalidParameterValue", "Invalid rule description. Valid descriptions are strings less than 256 "+
			"characters from the following set: a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*")
	}
	if r.GroupID != "" {
		return t.groupsIn([]string{r.GroupID}, g.VPCID)
	}
	block, err := netip.ParsePrefix(r.CIDR)
	if err != nil {
		return refuse("InvalidParameterValue", "CIDR block %s is malformed", r.CIDR)
	}
	r.CIDR = block.Masked().String()
	return nil
}

// RevokeSecurityGroup takes rules of one direction away. In a VPC an unknown rule is an error.
func (c *Client) RevokeSecurityGroup(ctx context.Context, id string, egress bool, rules []Rule) error {
	return do(ctx, c, direction(egress, "ec2:RevokeSecurityGroup"), func(t *tx) error {
		g, err := t.securityGroup(id)
		if err != nil {
			return err
		}
		left := slices.Clone(g.Rules)
		for _, rule := range rules {
			rule.Egress = egress
			if err := t.checkRule(g, &rule); err != nil && !IsCode(err, "InvalidGroup.NotFound") {
				return err
			}
			at := slices.IndexFunc(left, func(r Rule) bool { return r.key() == rule.key() })
			if at < 0 {
				return refuse("InvalidPermission.NotFound", "The specified rule does not exist in this security group.")
			}
			left = slices.Delete(left, at, at+1)
		}
		g.Rules = left
		t.emit(KindSecurityGroup, Changed, id, g.Meta)
		return nil
	})
}

// DeleteSecurityGroup deletes a group that no interface and no other group's rule uses.
func (c *Client) DeleteSecurityGroup(ctx context.Context, id string) error {
	return do(ctx, c, "ec2:DeleteSecurityGroup", func(t *tx) error {
		g, err := t.securityGroup(id)
		if err != nil {
			return err
		}
		if g.implicit {
			return refuse("CannotDelete", "the specified group: \"%s\" name: \"default\" cannot be deleted by a user", id)
		}
		if t.groupInUse(id) {
			return refuse("DependencyViolation", "resource %s has a dependent object", id)
		}
		delete(t.db.securityGroups, id)
		t.emit(KindSecurityGroup, Deleted, id, g.Meta)
		return nil
	})
}

func (t *tx) groupInUse(id string) bool {
	for _, n := range t.db.interfaces {
		if slices.Contains(n.Groups, id) {
			return true
		}
	}
	for _, other := range t.db.securityGroups {
		if other.ID != id && slices.ContainsFunc(other.Rules, func(r Rule) bool { return r.GroupID == id }) {
			return true
		}
	}
	return false
}

// SecurityGroups lists all security groups with their rules.
func (c *Cloud) SecurityGroups() []SecurityGroup {
	c.mu.Lock()
	defer c.mu.Unlock()
	return list(c.db.securityGroups, nil)
}

// SecurityGroupName is the name of a group, or empty if there is none of that id.
func (c *Cloud) SecurityGroupName(id string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if g, ok := c.db.securityGroups[id]; ok {
		return g.Name
	}
	return ""
}
