package v1test

import (
	"fmt"
	"strings"
)

var ingressCases = []Case{
	{Name: "internal", Patch: `{spec: {ingress: {scheme: internal}}}`},
	{Name: "unknown scheme", Patch: `{spec: {ingress: {scheme: public}}}`, Want: notOneOf},
	{Name: "allowed networks", Patch: `{spec: {ingress: {allowedCIDRs: [10.0.0.0/8, 192.0.2.1/32]}}}`},
	{
		Name: "allowed network with host bits", Patch: `{spec: {ingress: {allowedCIDRs: [10.0.0.1/8]}}}`,
		Want: "ingress.allowedCIDRs must be IPv4 networks with no host bits set",
	},
	{
		Name: "allowed address without length", Patch: `{spec: {ingress: {allowedCIDRs: [192.0.2.1]}}}`,
		Want: "ingress.allowedCIDRs must be IPv4 networks",
	},
	{
		Name: "allowed network of IPv6", Patch: `{spec: {ingress: {allowedCIDRs: ["::/0"]}}}`,
		Want: "ingress.allowedCIDRs must be IPv4 networks",
	},
	{Name: "nobody allowed", Patch: `{spec: {ingress: {allowedCIDRs: []}}}`, Want: "spec.ingress.allowedCIDRs"},
	{Name: "allowed network twice", Patch: `{spec: {ingress: {allowedCIDRs: [10.0.0.0/8, 10.0.0.0/8]}}}`, Want: "Duplicate value"},
	{
		Name: "more networks than rules", Patch: `{spec: {ingress: {allowedCIDRs: [` + manyNetworks(31) + `]}}}`,
		Want: "at most 30 items",
	},
	{Name: "no domain", Patch: `{spec: {ingress: {domain: null}}}`},
	{Name: "aliases", Patch: `{spec: {ingress: {domain: {aliases: [www.users.example.com, people.example.com]}}}}`},
	{
		Name: "alias repeats the name", Patch: `{spec: {ingress: {domain: {aliases: [users.example.com]}}}}`,
		Want: "domain.aliases must not repeat domain.name",
	},
	{
		Name: "alias with a wildcard", Patch: `{spec: {ingress: {domain: {aliases: ["*.example.com"]}}}}`,
		Want: "spec.ingress.domain.aliases[0]",
	},
	{Name: "more names than a certificate holds", Patch: `{spec: {ingress: {domain: {aliases: [a.ex.com, b.ex.com, c.ex.com,
		d.ex.com, e.ex.com, f.ex.com, g.ex.com, h.ex.com, i.ex.com, j.ex.com]}}}}`, Want: "at most 9 items"},
	{Name: "name in upper case", Patch: `{spec: {ingress: {domain: {name: Users.example.com}}}}`, Want: "spec.ingress.domain.name"},
	{Name: "name of one label", Patch: `{spec: {ingress: {domain: {name: users}}}}`, Want: "spec.ingress.domain.name"},
	{
		Name: "name with too long a label", Patch: `{spec: {ingress: {domain: {aliases: [` + strings.Repeat("a", 64) + `.com]}}}}`,
		Want: "spec.ingress.domain.aliases[0]",
	},
	{Name: "own certificate", Patch: `{spec: {ingress: {domain: {hostedZoneID: null,
		certificateARN: "arn:aws:acm:us-east-2:111122223333:certificate/0b1c"}}}}`},
	{Name: "own certificate and zone", Patch: `{spec: {ingress: {domain: {
		certificateARN: "arn:aws:acm:us-east-2:111122223333:certificate/0b1c"}}}}`},
	{
		Name: "neither zone nor certificate", Patch: `{spec: {ingress: {domain: {hostedZoneID: null}}}}`,
		Want: "domain needs hostedZoneID",
	},
	{Name: "certificate of another service", Patch: `{spec: {ingress: {domain: {
		certificateARN: "arn:aws:iam::111122223333:server-certificate/x"}}}}`, Want: "spec.ingress.domain.certificateARN"},
	{
		Name: "zone by name", Patch: `{spec: {ingress: {domain: {hostedZoneID: example.com}}}}`,
		Want: "spec.ingress.domain.hostedZoneID",
	},
}

func manyNetworks(n int) string {
	var list []string
	for i := range n {
		list = append(list, fmt.Sprintf("10.%d.0.0/16", i))
	}
	return strings.Join(list, ", ")
}
