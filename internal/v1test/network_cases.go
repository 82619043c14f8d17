package v1test

import "strings"

var metadataCases = []Case{
	{Name: "base", Patch: `{}`},
	{Name: "longest name", Patch: `{metadata: {name: a234567890123456789012345678901234567890}}`},
	{
		Name: "name too long", Patch: `{metadata: {name: a2345678901234567890123456789012345678901}}`,
		Want: "metadata.name must be at most 40 characters",
	},
	{Name: "name begins with a digit", Patch: `{metadata: {name: 1a}}`, Want: "metadata.name must start with a letter"},
	{Name: "name with a dot", Patch: `{metadata: {name: a.b}}`, Want: "metadata.name must start with a letter"},
}

var networkCases = []Case{
	{Name: "region malformed", Patch: `{spec: {region: Ohio}}`, Want: "spec.region"},
	{Name: "computed subnets", Patch: `{spec: {network: {zones: [{name: us-east-2a}, {name: us-east-2b}]}}}`},
	{
		Name:  "computed subnets of the smallest network",
		Patch: `{spec: {network: {cidr: 10.0.0.0/23, zones: [{name: us-east-2a}, {name: us-east-2b}]}}}`,
	},
	{
		Name:  "computed subnets without room",
		Patch: `{spec: {network: {cidr: 10.0.0.0/24, zones: [{name: us-east-2a}, {name: us-east-2b}]}}}`,
		Want:  "network.cidr must be /23 or larger when the subnets are computed",
	},
	{
		Name:  "three zones",
		Patch: `{spec: {network: {zones: [{name: us-east-2a}, {name: us-east-2b}, {name: us-east-2c}]}}}`,
	},
	{Name: "one zone", Patch: `{spec: {network: {zones: [{name: us-east-2a}]}}}`, Want: "at least 2 items"},
	{Name: "four zones", Patch: `{spec: {network: {zones: [{name: us-east-2a}, {name: us-east-2b}, {name: us-east-2c},
		{name: us-east-2d}]}}}`, Want: "at most 3 items"},
	{
		Name: "the same zone twice", Patch: `{spec: {network: {zones: [{name: us-east-2a}, {name: us-east-2a}]}}}`,
		Want: "network.zones must be different zones",
	},
	{
		Name: "zone of another region", Patch: `{spec: {network: {zones: [{name: us-east-2a}, {name: us-west-2b}]}}}`,
		Want: "network.zones[].name must be a zone of spec.region",
	},
	{
		Name: "zone malformed", Patch: `{spec: {network: {zones: [{name: us-east-2a}, {name: b}]}}}`,
		Want: "spec.network.zones[1].name",
	},
	{
		Name: "subnets of one zone only", Patch: `{spec: {network: {zones: [{name: us-east-2a},
		{name: us-east-2b, publicCIDR: 10.0.2.0/24, appCIDR: 10.0.20.0/24, databaseCIDR: 10.0.200.0/24}]}}}`,
		Want: "for every zone, or for none",
	},
	{
		Name: "network with host bits", Patch: `{spec: {network: {cidr: 10.0.0.1/16}}}`,
		Want: "network.cidr must be an IPv4 network with no host bits set",
	},
	{
		Name: "network is no CIDR", Patch: `{spec: {network: {cidr: ten-dot-zero}}}`,
		Want: "network.cidr must be an IPv4 network with no host bits set",
	},
	{
		Name: "network of IPv6", Patch: `{spec: {network: {cidr: "fd00:1:2::/48"}}}`,
		Want: "network.cidr must be an IPv4 network",
	},
	{
		Name: "network of the host itself", Patch: `{spec: {network: {cidr: 127.0.0.0/16, zones: [{name: us-east-2a}, {name: us-east-2b}]}}}`,
		Want: "network.cidr must be of addresses that hosts can have",
	},
	{
		Name: "network of multicast", Patch: `{spec: {network: {cidr: 239.1.0.0/16, zones: [{name: us-east-2a}, {name: us-east-2b}]}}}`,
		Want: "network.cidr must be of addresses that hosts can have",
	},
	{Name: "network of public addresses", Patch: `{spec: {network: {cidr: 223.1.0.0/16, zones: [{name: us-east-2a}, {name: us-east-2b}]}}}`},
	{
		Name: "network too large", Patch: `{spec: {network: {cidr: 10.0.0.0/15}}}`,
		Want: "network.cidr must be between /16 and /25",
	},
	{
		Name: "network too small", Patch: `{spec: {network: {cidr: 10.0.0.0/26}}}`,
		Want: "network.cidr must be between /16 and /25",
	},
	{
		Name: "subnet outside", Patch: `{spec: {network: {cidr: 10.1.0.0/16}}}`,
		Want: "every subnet must lie inside network.cidr",
	},
	{Name: "subnets overlap", Patch: zonesWith(`publicCIDR: 10.0.100.128/25`), Want: "subnets must not overlap each other"},
	{Name: "subnets equal", Patch: zonesWith(`publicCIDR: 10.0.200.0/24`), Want: "subnets must not overlap each other"},
	{Name: "public subnet with host bits", Patch: zonesWith(`publicCIDR: 10.0.1.1/24`), Want: "publicCIDR must be"},
	{Name: "smallest public subnet", Patch: zonesWith(`publicCIDR: 10.0.1.0/27`)},
	{Name: "public subnet too small", Patch: zonesWith(`publicCIDR: 10.0.1.0/28`), Want: "publicCIDR must be"},
	{Name: "smallest app subnet", Patch: zonesWith(`appCIDR: 10.0.10.0/28`)},
	{Name: "app subnet too small", Patch: zonesWith(`appCIDR: 10.0.10.0/29`), Want: "appCIDR must be"},
	{Name: "database subnet is no CIDR", Patch: zonesWith(`databaseCIDR: database.`), Want: "databaseCIDR must be"},
	{Name: "database subnet too small", Patch: zonesWith(`databaseCIDR: 10.0.100.0/29`), Want: "databaseCIDR must be"},
	{Name: "one gateway", Patch: `{spec: {network: {natGateways: Single}}}`},
	{Name: "no gateway", Patch: `{spec: {network: {natGateways: None}}}`, Want: notOneOf},
}

// zonesWith are Base's zones with one field of the first changed: a merge patch replaces lists whole.
func zonesWith(field string) string {
	first := map[string]string{"publicCIDR": "10.0.1.0/24", "appCIDR": "10.0.10.0/24", "databaseCIDR": "10.0.100.0/24"}
	name, value, _ := strings.Cut(field, ": ")
	first[name] = value
	return `{spec: {network: {zones: [{name: us-east-2a, publicCIDR: "` + first["publicCIDR"] + `", appCIDR: "` +
		first["appCIDR"] + `", databaseCIDR: "` + first["databaseCIDR"] + `"},
		{name: us-east-2b, publicCIDR: 10.0.2.0/24, appCIDR: 10.0.20.0/24, databaseCIDR: 10.0.200.0/24}]}}}`
}
