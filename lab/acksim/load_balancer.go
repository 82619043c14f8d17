package acksim

import (
	"context"
	"maps"
	"slices"
	"strings"

	"usermanagement.dev/stack/lab/cloud"
)

// loadBalancerKind is elbv2 LoadBalancer, known by its name. It counts as synced at once and its state is refreshed only by
// a pass, so it may say provisioning for hours. Scheme, type and subnets are never compared.
func loadBalancerKind() *kind {
	return &kind{
		name: "LoadBalancer", service: "elbv2",
		terminal: []string{"ValidationError", "InvalidConfigurationRequest", "InvalidScheme"},
		gone:     []string{"LoadBalancerNotFound"},
		references: []reference{
			{from: "subnetRefs[]", into: "subnets", kind: "Subnet", value: "status.subnetID"},
			{from: "securityGroupRefs[]", into: "securityGroups", kind: "SecurityGroup", value: "status.id"},
		},
		compared: []comparison{
			{"attributes", declared}, {"securityGroups", ifSetAsSet}, {"ipAddressType", ifSet}, tagged(),
		},
		late: append(lateRequired("enablePrefixForIPv6SourceNAT"), late("securityGroups")...),
		read: func(ctx context.Context, p *pass, desired *object) (*object, error) {
			lb, err := p.aws.DescribeLoadBalancer(ctx, text(desired.spec(), "name"))
			if err != nil {
				return nil, err
			}
			latest := p.showLoadBalancer(desired.copy(), lb)
			put(latest.spec(), "attributes", attributeList(lb.Attributes))
			return latest, nil
		},
		create: func(ctx context.Context, p *pass, desired *object) (*object, error) {
			spec := desired.spec()
			lb, err := p.aws.CreateLoadBalancer(ctx, cloud.CreateLoadBalancerInput{
				Name: text(spec, "name"), Scheme: text(spec, "scheme"), Type: text(spec, "type"),
				IPAddressType: text(spec, "ipAddressType"), SubnetIDs: append(texts(spec, "subnets"), mappedSubnets(spec)...),
				Groups: texts(spec, "securityGroups"), Tags: p.createTags(desired),
			})
			if err != nil {
				return nil, err
			}
			return p.showLoadBalancer(desired.copy(), lb), nil
		},
		update: updateLoadBalancer,
		remove: func(ctx context.Context, p *pass, latest *object) error {
			return p.aws.DeleteLoadBalancer(ctx, latest.arn())
		},
	}
}

func mappedSubnets(spec tree) []string {
	var ids []string
	for _, m := range trees(spec, "subnetMappings") {
		ids = append(ids, text(m, "subnetID"))
	}
	return ids
}

func attributeList(attributes map[string]string) []any {
	var out []any
	for _, key := range slices.Sorted(maps.Keys(attributes)) {
		out = append(out, tree{"key": key, "value": attributes[key]})
	}
	return out
}

func attributesOf(spec tree) map[string]string {
	out := map[string]string{}
	for _, a := range trees(spec, "attributes") {
		if text(a, "key") != "" && text(a, "value") != "" {
			out[text(a, "key")] = text(a, "value")
		}
	}
	return out
}

func (p *pass) showLoadBalancer(o *object, lb cloud.LoadBalancer) *object {
	spec, status := o.spec(), o.status()
	p.showTags(o, lb.Tags)
	spec["scheme"], spec["type"], spec["ipAddressType"] = lb.Scheme, lb.Type, lb.IPAddressType
	spec["enablePrefixForIPv6SourceNAT"] = "off"
	if !slices.Equal(sortedTexts(spec["securityGroups"]), slices.Sorted(slices.Values(lb.Groups))) {
		put(spec, "securityGroups", textList(lb.Groups))
	}
	o.setARN(lb.ARN)
	status["dnsName"], status["canonicalHostedZoneID"], status["vpcID"] = lb.DNSName, lb.ZoneID, lb.VPCID
	status["state"] = tree{"code": lb.State}
	put(status, "state.reason", lb.StateReason)
	put(status, "createdTime", stamp(lb.CreatedTime))
	status["availabilityZones"] = list(lb.SubnetIDs, func(id string) any { return tree{"subnetID": id} })
	return o
}

// updateLoadBalancer leaves the status as it was stored: ACK does not refresh it here.
func updateLoadBalancer(ctx context.Context, p *pass, desired, latest *object, changed delta) (*object, error) {
	spec, arn := desired.spec(), latest.arn()
	if changed.has("attributes") {
		if err := p.aws.ModifyLoadBalancerAttributes(ctx, arn, attributesOf(spec)); err != nil {
			return nil, err
		}
	}
	if changed.has("tags") {
		if err := p.syncTags(ctx, arn, desired, latest); err != nil {
			return nil, err
		}
	}
	if changed.has("securityGroups") {
		if err := p.aws.SetSecurityGroups(ctx, arn, texts(spec, "securityGroups")); err != nil {
			return nil, err
		}
	}
	if changed.has("ipAddressType") {
		if err := p.aws.SetIPAddressType(ctx, arn, strings.TrimSpace(text(spec, "ipAddressType"))); err != nil {
			return nil, err
		}
	}
	return desired.copy(), nil
}
