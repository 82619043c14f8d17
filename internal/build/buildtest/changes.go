package buildtest

// Change is a change of the production sample and what becomes of it: nodes whose object is another one afterwards,
// nodes that come and nodes that go. A node with ! gets an object of another name, which replaces the one before.
type Change struct {
	Name  string
	Patch string // a JSON merge patch, in YAML
	Want  string
}

const everyHost = "host-us-east-2a-0! host-us-east-2b-0!"

// Changes has each field of a stack that can be changed.
var Changes = []Change{
	{"ingress networks", `{spec: {ingress: {allowedCIDRs: [10.0.0.0/8]}}}`, "sg-alb"},
	{"bastion networks", `{spec: {bastion: {allowedCIDRs: [198.51.100.0/24]}}}`, "sg-bastion"},
	{"bastion keys", `{spec: {bastion: {authorizedKeys: [ssh-ed25519 AAAA bob]}}}`, "bastion! " + everyHost},
	{"bastion image", `{spec: {bastion: {image: ami-00000000}}}`, "bastion!"},
	{"bastion type", `{spec: {bastion: {instanceType: t3.nano}}}`, "bastion!"},
	{"bastion off", `{spec: {bastion: {enabled: false}}}`, "-bastion -sg-bastion sg-app sg-db"},
	{"database class", `{spec: {database: {instanceClass: db.m7g.xlarge}}}`, "db"},
	{"database storage", `{spec: {database: {storageGiB: 200}}}`, "db"},
	{"one database", `{spec: {database: {multiAZ: false}}}`, "db"},
	{"backups", `{spec: {database: {backupRetentionDays: 35}}}`, "db"},
	{"deletion protection", `{spec: {database: {deletionProtection: false}}}`, "db"},
	{"database parameters", `{spec: {database: {parameters: {max_connections: "9"}}}}`, "db-params-mysql8.4"},
	{"database patch release", `{spec: {database: {version: 8.4.9}}}`, ""},
	{"database version", `{spec: {database: {version: "9.0"}}}`, "-db-params-mysql8.4 +db-params-mysql9.0 db"},
	{
		"own certificate", `{spec: {ingress: {domain: {certificateARN: "arn:aws:acm:us-east-2:111122223333:certificate/x"}}}}`,
		"-cert-a4b7d826 -cert-validation-users.example.com -cert-validation-www.users.example.com listener-https",
	},
	{
		"another alias", `{spec: {ingress: {domain: {aliases: [www.users.example.com, people.example.com]}}}}`,
		"-cert-a4b7d826 +cert-c260d183 +cert-validation-people.example.com cert-validation-users.example.com " +
			"cert-validation-www.users.example.com listener-https +dns-people.example.com",
	},
	{"no domain", `{spec: {ingress: {domain: null}}}`, "-cert-a4b7d826 -cert-validation-users.example.com " +
		"-cert-validation-www.users.example.com -dns-users.example.com -dns-www.users.example.com -listener-https " +
		"listener-http " + everyHost},
	{"internal", `{spec: {ingress: {scheme: internal}}}`, "-alb +alb-internal -tg +tg-internal -listener-http " +
		"+listener-http-internal -listener-https +listener-https-internal dns-users.example.com dns-www.users.example.com"},
	{"host image", `{spec: {hosts: {image: ami-00000000}}}`, "bastion! " + everyHost},
	{"host type", `{spec: {hosts: {instanceType: m7i.large}}}`, everyHost},
	{"root volume", `{spec: {hosts: {rootVolumeGiB: 30}}}`, everyHost},
	{"root device", `{spec: {hosts: {rootDevice: /dev/sda1}}}`, "bastion! " + everyHost},
	{"one more host in each zone", `{spec: {hosts: {perZone: 2}}}`, "+host-us-east-2a-1 +host-us-east-2b-1 tg"},
	{"release", `{spec: {app: {version: 1.0.1}}}`, everyHost},
	{"administrator", `{spec: {app: {admin: {email: you@example.com}}}}`, everyHost},
	{"drain", `{spec: {rollout: {drain: 60s}}}`, "tg"},
	{"deadline", `{spec: {rollout: {progressDeadline: 20m}}}`, ""},
	{"paused", `{spec: {rollout: {paused: true}}}`, ""},
	{"repair", `{spec: {hosts: {repair: Replace}}}`, ""},
	{"suspended", `{spec: {suspend: true}}`, ""},
	{"policy delete", `{spec: {deletionPolicy: Delete}}`, "db"},
}
