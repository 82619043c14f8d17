package acksim

import (
	"context"
	"slices"

	"usermanagement.dev/stack/lab/cloud"
)

// securityGroupKind is ec2 SecurityGroup. Its rules are owned exclusively: the default egress rule goes too. If a rule is
// refused within the create, the group exists without being managed, and the next pass is terminal unless the object may
// adopt. Name, description and VPC are never compared.
func securityGroupKind() *kind {
	group := func(direction string) reference {
		return reference{
			from: direction + "[].userIDGroupPairs[].groupRef", into: "groupID", kind: "SecurityGroup", value: "status.id",
			lenient: true,
		}
	}
	return &kind{
		name: "SecurityGroup", service: "ec2",
		references: []reference{
			{from: "vpcRef", into: "vpcID", kind: "VPC", value: "status.vpcID"}, group("ingressRules"), group("egressRules"),
		},
		compared: []comparison{{"ingressRules", differentRules}, {"egressRules", differentRules}, tagged()},
		identify: func(o *object, f map[string]string) { put(o.status(), "id", f["id"]) },
		read:     readSecurityGroup, create: createSecurityGroup, update: updateSecurityGroup,
		remove: func(ctx context.Context, p *pass, latest *object) error {
			id := text(latest.status(), "id")
			for _, egress := range []bool{false, true} {
				if err := p.changeRules(ctx, id, egress, nil, rulesOf(latest.spec()[ruleField(egress)])); err != nil {
					return err
				}
			}
			return p.aws.DeleteSecurityGroup(ctx, id)
		},
	}
}

func ruleField(egress bool) string {
	if egress {
		return "egressRules"
	}
	return "ingressRules"
}

// rulesOf splits a list of IP permissions into single grants.
func rulesOf(value any) []cloud.Rule {
	var rules []cloud.Rule
	for _, permission := range trees(tree{"x": value}, "x") {
		base := cloud.Rule{Protocol: text(permission, "ipProtocol"), FromPort: -1, ToPort: -1}
		if from := numberPtr(permission, "fromPort"); from != nil {
			base.FromPort = *from
		}
		if to := numberPtr(permission, "toPort"); to != nil {
			base.ToPort = *to
		}
		for _, r := range trees(permission, "ipRanges") {
			rule := base
			rule.CIDR, rule.Description = text(r, "cidrIP"), text(r, "description")
			rules = append(rules, rule)
		}
		for _, r := range trees(permission, "ipv6Ranges") {
			rule := base
			rule.CIDR, rule.Description = text(r, "cidrIPv6"), text(r, "description")
			rules = append(rules, rule)
		}
		for _, pair := range trees(permission, "userIDGroupPairs") {
			rule := base
			rule.GroupID, rule.Description = text(pair, "groupID"), text(pair, "description")
			rules = append(rules, rule)
		}
	}
	return rules
}

func differentRules(a, b any) bool {
	add, remove := changesBetween(rulesOf(a), rulesOf(b))
	return len(add)+len(remove) > 0
}

func readSecurityGroup(ctx context.Context, p *pass, desired *object) (*object, error) {
	id := text(desired.status(), "id")
	if id == "" {
		g, err := p.aws.FindSecurityGroup(ctx, text(desired.spec(), "name"), text(desired.spec(), "vpcID"))
		if err != nil {
			return nil, err
		}
		if id = g.ID; id == "" {
			return nil, errNotFound
		}
	}
	g, err := p.aws.DescribeSecurityGroup(ctx, id)
	if err != nil {
		return nil, err
	}
	latest := desired.copy()
	p.showSecurityGroup(latest, g)
	for _, egress := range []bool{false, true} {
		actual := permissions(g.Rules, egress)
		if differentRules(desired.spec()[ruleField(egress)], actual) {
			put(latest.spec(), ruleField(egress), actual)
		}
	}
	return latest, nil
}

// permissions is the rules of one direction as spec shows them.
func permissions(rules []cloud.Rule, egress bool) []any {
	var out []any
	for _, r := range rules {
		if r.Egress != egress {
			continue
		}
		permission := tree{"ipProtocol": r.Protocol}
		if r.FromPort >= 0 || r.ToPort >= 0 {
			permission["fromPort"], permission["toPort"] = int64(r.FromPort), int64(r.ToPort)
		}
		peer, field := tree{"cidrIP": r.CIDR}, "ipRanges"
		if r.GroupID != "" {
			peer, field = tree{"groupID": r.GroupID}, "userIDGroupPairs"
		}
		put(peer, "description", r.Description)
		permission[field] = []any{peer}
		out = append(out, permission)
	}
	return out
}

func (p *pass) showSecurityGroup(o *object, g cloud.SecurityGroup) {
	p.showTags(o, g.Tags)
	o.status()["id"] = g.ID
	put(o.status(), "rules", list(g.Rules, func(r cloud.Rule) any {
		shown := tree{"securityGroupRuleID": r.ID, "isEgress": r.Egress, "ipProtocol": r.Protocol}
		shown["fromPort"], shown["toPort"] = int64(r.FromPort), int64(r.ToPort)
		put(shown, "cidrIPv4", r.CIDR)
		put(shown, "description", r.Description)
		return shown
	}))
}

func createSecurityGroup(ctx context.Context, p *pass, desired *object) (*object, error) {
	spec := desired.spec()
	g, err := p.aws.CreateSecurityGroup(ctx, cloud.CreateSecurityGroupInput{
		Name: text(spec, "name"), Description: text(spec, "description"), VPCID: text(spec, "vpcID"), Tags: p.createTags(desired),
	})
	if err != nil {
		return nil, err
	}
	created := desired.copy()
	p.showSecurityGroup(created, g)
	if err := p.aws.RevokeSecurityGroup(ctx, g.ID, true, withoutIDs(g.Rules)); err != nil {
		return created, err
	}
	if unresolvedGroups(spec) {
		created.setCondition(p.now, condSynced, statusFalse, "", "")
		return created, nil
	}
	for _, egress := range []bool{false, true} {
		if err := p.changeRules(ctx, g.ID, egress, rulesOf(spec[ruleField(egress)]), nil); err != nil {
			return created, err
		}
	}
	return created, nil
}

func withoutIDs(rules []cloud.Rule) []cloud.Rule {
	out := slices.Clone(rules)
	for i := range out {
		out[i].ID = ""
	}
	return out
}

// changeRules revokes before it authorises.
func (p *pass) changeRules(ctx context.Context, id string, egress bool, want, have []cloud.Rule) error {
	add, remove := changesBetween(want, have)
	if len(remove) > 0 {
		if err := p.aws.RevokeSecurityGroup(ctx, id, egress, remove); err != nil {
			return err
		}
	}
	if len(add) == 0 {
		return nil
	}
	return p.aws.AuthorizeSecurityGroup(ctx, id, egress, add)
}

func updateSecurityGroup(ctx context.Context, p *pass, desired, latest *object, changed delta) (*object, error) {
	id := text(latest.status(), "id")
	updated := desired.copy()
	updated.setStatus(latest)
	if unresolvedGroups(desired.spec()) {
		updated.setCondition(p.now, condSynced, statusFalse, "", "")
		return updated, nil
	}
	for _, egress := range []bool{false, true} {
		field := ruleField(egress)
		if !changed.has(field) {
			continue
		}
		if err := p.changeRules(ctx, id, egress, rulesOf(desired.spec()[field]), rulesOf(latest.spec()[field])); err != nil {
			return nil, err
		}
	}
	if changed.has("tags") {
		if err := p.syncTags(ctx, id, desired, latest); err != nil {
			return nil, err
		}
	}
	observed, err := readSecurityGroup(ctx, p, desired)
	if err != nil {
		return nil, err
	}
	updated.setStatus(observed)
	return updated, nil
}
