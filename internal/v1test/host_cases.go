package v1test

import "strings"

var bastionCases = []Case{
	{Name: "no bastion", Patch: `{spec: {bastion: null}}`},
	{Name: "bastion off", Patch: `{spec: {bastion: {enabled: false, allowedCIDRs: null, authorizedKeys: null}}}`},
	{
		Name: "bastion open to nobody", Patch: `{spec: {bastion: {allowedCIDRs: []}}}`,
		Want: "bastion.allowedCIDRs must name the networks",
	},
	{
		Name: "bastion open to all", Patch: `{spec: {bastion: {allowedCIDRs: [0.0.0.0/0]}}}`,
		Want: "bastion.allowedCIDRs must not open SSH to the whole internet",
	},
	{
		Name: "bastion open to half of all", Patch: `{spec: {bastion: {allowedCIDRs: [0.0.0.0/1, 128.0.0.0/1]}}}`,
		Want: "bastion.allowedCIDRs must not open SSH to the whole internet",
	},
	{
		Name: "bastion open to a name", Patch: `{spec: {bastion: {allowedCIDRs: [home]}}}`,
		Want: "bastion.allowedCIDRs must be IPv4 networks",
	},
	{
		Name: "bastion without keys", Patch: `{spec: {bastion: {authorizedKeys: []}}}`,
		Want: "bastion.authorizedKeys must hold at least one public key",
	},
	{
		Name: "private key", Patch: `{spec: {bastion: {authorizedKeys: ["-----BEGIN OPENSSH PRIVATE KEY-----"]}}}`,
		Want: "spec.bastion.authorizedKeys[0]",
	},
	{
		Name: "key with options", Patch: `{spec: {bastion: {authorizedKeys: ['command="id" ssh-ed25519 AAAA']}}}`,
		Want: "spec.bastion.authorizedKeys[0]",
	},
	{
		Name: "too many long keys", Patch: `{spec: {bastion: {authorizedKeys: [` + longKeys(9) + `]}}}`,
		Want: "bastion.authorizedKeys must have at most 6000 characters in all",
	},
	{Name: "bastion's own image", Patch: `{spec: {bastion: {image: ami-0123456789abcdef0, rootDevice: /dev/sda1,
		instanceType: t4g.nano}}}`},
	{
		Name: "bastion of another architecture", Patch: `{spec: {bastion: {instanceType: t4g.nano}}}`,
		Want: "bastion.instanceType must be of hosts.architecture",
	},
}

var hostCases = []Case{
	{Name: "no image", Patch: `{spec: {hosts: {image: null}}}`, Want: "spec.hosts.image"},
	{Name: "image by name", Patch: `{spec: {hosts: {image: debian-12}}}`, Want: "spec.hosts.image"},
	{Name: "arm64", Patch: `{spec: {bastion: null, hosts: {architecture: arm64, instanceType: t4g.small},
		app: {artifacts: [` + artifact("arm64") + `]}}}`},
	{
		Name: "architecture without artifact", Patch: `{spec: {bastion: null, hosts: {architecture: arm64, instanceType: t4g.small}}}`,
		Want: "app.artifacts must have an entry for hosts.architecture",
	},
	{
		Name: "type of another architecture", Patch: `{spec: {hosts: {instanceType: m7gd.large}}}`,
		Want: "hosts.instanceType must be of hosts.architecture",
	},
	{Name: "type with a graphics card", Patch: `{spec: {hosts: {instanceType: g4dn.xlarge}}}`},
	{Name: "type malformed", Patch: `{spec: {hosts: {instanceType: large}}}`, Want: "spec.hosts.instanceType"},
	{Name: "no host", Patch: `{spec: {hosts: {perZone: 0}}}`, Want: "spec.hosts.perZone"},
	{Name: "ten hosts in each zone", Patch: `{spec: {hosts: {perZone: 10}}}`},
	{Name: "eleven hosts in each zone", Patch: `{spec: {hosts: {perZone: 11}}}`, Want: "spec.hosts.perZone"},
	{Name: "root volume too small", Patch: `{spec: {hosts: {rootVolumeGiB: 4}}}`, Want: "spec.hosts.rootVolumeGiB"},
	{Name: "root device of Ubuntu", Patch: `{spec: {hosts: {rootDevice: /dev/sda1}}}`},
	{Name: "broken hosts replaced", Patch: `{spec: {hosts: {repair: Replace}}}`},
	{Name: "broken hosts repaired", Patch: `{spec: {hosts: {repair: Restart}}}`, Want: notOneOf},
	{Name: "root device unknown", Patch: `{spec: {hosts: {rootDevice: /dev/nvme0n1}}}`, Want: notOneOf},
}

func longKeys(n int) string {
	var list []string
	for i := range n {
		list = append(list, "ssh-rsa "+strings.Repeat("A", 716)+" admin"+string(rune('a'+i)))
	}
	return strings.Join(list, ", ")
}
