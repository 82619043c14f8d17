package v1test

import "strings"

var otherCases = []Case{
	{Name: "rollout", Patch: `{spec: {rollout: {progressDeadline: 1h30m, drain: 0s}}}`},
	{
		Name: "deadline too short", Patch: `{spec: {rollout: {progressDeadline: 30s}}}`,
		Want: "rollout.progressDeadline must be between 1m and 2h",
	},
	{Name: "drain too long", Patch: `{spec: {rollout: {drain: 61m}}}`, Want: "rollout.drain must be between 0s and 1h"},
	{Name: "drain without a unit", Patch: `{spec: {rollout: {drain: "30"}}}`, Want: "spec.rollout.drain"},
	{Name: "rollout paused", Patch: `{spec: {rollout: {paused: true}}}`},
	{Name: "rollout paused by a word", Patch: `{spec: {rollout: {paused: "yes"}}}`, Want: "spec.rollout.paused"},
	{Name: "retain", Patch: `{spec: {deletionPolicy: Retain}}`},
	{Name: "orphan", Patch: `{spec: {deletionPolicy: Orphan}}`, Want: notOneOf},
	{Name: "tags", Patch: `{spec: {tags: {team: a, "cost:center/42": "Ä + b@c = 1", empty: ""}}}`},
	{Name: "tag of AWS", Patch: `{spec: {tags: {"aws:team": a}}}`, Want: "tag keys must not start with aws:"},
	{
		Name: "tag of the operator", Patch: `{spec: {tags: {usermanagement.dev/stack: a}}}`,
		Want: "tag keys must not start with aws:",
	},
	{Name: "tag Name", Patch: `{spec: {tags: {Name: a}}}`, Want: "the tag Name is the operator's"},
	{Name: "tag name", Patch: `{spec: {tags: {name: a}}}`, Want: "the tag Name is the operator's"},
	{Name: "tag with name in it", Patch: `{spec: {tags: {filename: a, names: b}}}`},
	{
		Name: "tags that IAM takes for the same", Patch: `{spec: {tags: {Team: a, team: b}}}`,
		Want: "tag keys must differ in more than upper and lower case",
	},
	{Name: "tag key with a hash sign", Patch: `{spec: {tags: {"team#": a}}}`, Want: "tag keys hold only letters"},
	{Name: "tag value with a hash sign", Patch: `{spec: {tags: {team: "#1"}}}`, Want: "spec.tags.team"},
	{
		Name: "tag key too long", Patch: `{spec: {tags: {` + strings.Repeat("a", 129) + `: a}}}`,
		Want: "a tag's key has at most 128 characters",
	},
	{Name: "tag value too long", Patch: `{spec: {tags: {team: ` + strings.Repeat("a", 257) + `}}}`, Want: "spec.tags.team"},
	{Name: "suspended", Patch: `{spec: {suspend: true}}`},
}

// changeCases are changes of a stack that is there.
var changeCases = []Case{
	{Name: "another region", From: `{}`, Patch: `{spec: {region: us-west-2, network: {zones: [
		{name: us-west-2a}, {name: us-west-2b}]}}}`, Want: "region cannot be changed"},
	{Name: "another network", From: `{}`, Patch: zonesWith(`publicCIDR: 10.0.3.0/24`), Want: "network cannot be changed"},
	{
		Name: "another number of gateways", From: `{}`, Patch: `{spec: {network: {natGateways: Single}}}`,
		Want: "network cannot be changed",
	},
	{
		Name: "another engine", From: `{}`, Patch: `{spec: {database: {engine: mariadb, version: "11.4"}}}`,
		Want: "database.engine cannot be changed",
	},
	{Name: "version up", From: `{spec: {database: {version: "8.0"}}}`, Patch: `{spec: {database: {version: "8.4"}}}`},
	{Name: "version down", From: `{}`, Patch: `{spec: {database: {version: "8.0"}}}`, Want: "database.version cannot go down"},
	{Name: "storage grows", From: `{}`, Patch: `{spec: {database: {storageGiB: 21}}}`},
	{
		Name: "storage shrinks", From: `{spec: {database: {storageGiB: 100}}}`, Patch: `{spec: {database: {storageGiB: 99}}}`,
		Want: "database.storageGiB cannot shrink",
	},
	{Name: "another scheme", From: `{}`, Patch: `{spec: {ingress: {scheme: internal}}}`},
	{Name: "domain given up", From: `{}`, Patch: `{spec: {ingress: {domain: null}}}`},
	{Name: "bastion given up", From: `{}`, Patch: `{spec: {bastion: null}}`},
}
