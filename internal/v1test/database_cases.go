package v1test

var databaseCases = []Case{
	{Name: "mariadb", Patch: `{spec: {database: {engine: mariadb, version: "11.4"}}}`},
	{
		Name: "mariadb with mysql's version", Patch: `{spec: {database: {engine: mariadb}}}`,
		Want: "database.version must be one of database.engine",
	},
	{
		Name: "mysql with mariadb's version", Patch: `{spec: {database: {version: "11.4"}}}`,
		Want: "database.version must be one of database.engine",
	},
	{Name: "version with a patch release", Patch: `{spec: {database: {version: 8.4.3}}}`},
	{Name: "major version only", Patch: `{spec: {database: {version: "8"}}}`, Want: "spec.database.version"},
	{Name: "postgres", Patch: `{spec: {database: {engine: postgres}}}`, Want: notOneOf},
	{Name: "class of a host", Patch: `{spec: {database: {instanceClass: t3.micro}}}`, Want: "spec.database.instanceClass"},
	{Name: "storage too small", Patch: `{spec: {database: {storageGiB: 10}}}`, Want: "spec.database.storageGiB"},
	{Name: "no backups", Patch: `{spec: {database: {backupRetentionDays: 0}}}`},
	{
		Name: "backups for too long", Patch: `{spec: {database: {backupRetentionDays: 36}}}`,
		Want: "spec.database.backupRetentionDays",
	},
	{Name: "parameters", Patch: `{spec: {database: {parameters: {max_connections: "200", innodb_buffer_pool_size: "1"}}}}`},
	{
		Name: "parameter in upper case", Patch: `{spec: {database: {parameters: {MAX_CONNECTIONS: "200"}}}}`,
		Want: "database.parameters are named as RDS names them",
	},
	{
		Name: "parameter as a number", Patch: `{spec: {database: {parameters: {max_connections: 200}}}}`,
		Want: "must be of type string",
	},
	{
		Name: "TLS off", Patch: `{spec: {database: {parameters: {require_secure_transport: "0"}}}}`,
		Want: "require_secure_transport is always on",
	},
}

var appCases = []Case{
	{Name: "pre-release", Patch: `{spec: {app: {version: 1.0.0-rc.1+build.5}}}`},
	{Name: "version with a v", Patch: `{spec: {app: {version: v1.0.0}}}`, Want: "spec.app.version"},
	{Name: "two artifacts", Patch: `{spec: {app: {artifacts: [` + artifact("amd64") + `, ` + artifact("arm64") + `]}}}`},
	{Name: "no artifact", Patch: `{spec: {app: {artifacts: []}}}`, Want: "at least 1 item"},
	{
		Name: "artifact twice", Patch: `{spec: {app: {artifacts: [` + artifact("amd64") + `, ` + artifact("amd64") + `]}}}`,
		Want: "Duplicate value",
	},
	{Name: "artifact in a bucket", Patch: artifactWith("s3://bucket/app", checksum), Want: "spec.app.artifacts[0].url"},
	{
		Name: "artifact with credentials", Patch: artifactWith("https://me:secret@releases.example.com/app", checksum),
		Want: "spec.app.artifacts[0].url",
	},
	{
		Name: "artifact with a command", Patch: artifactWith("https://releases.example.com/$(id)", checksum),
		Want: "spec.app.artifacts[0].url",
	},
	{
		Name: "checksum too short", Patch: artifactWith("https://releases.example.com/app", "abc"),
		Want: "spec.app.artifacts[0].sha256",
	},
	{
		Name: "administrator's name with a space", Patch: `{spec: {app: {admin: {username: the admin}}}}`,
		Want: "spec.app.admin.username",
	},
	{Name: "administrator's address malformed", Patch: `{spec: {app: {admin: {email: admin}}}}`, Want: "spec.app.admin.email"},
}

const checksum = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

func artifact(architecture string) string {
	return `{architecture: ` + architecture + `, url: "https://releases.example.com/app", sha256: ` + checksum + `}`
}

func artifactWith(url, sha256 string) string {
	return `{spec: {app: {artifacts: [{architecture: amd64, url: "` + url + `", sha256: ` + sha256 + `}]}}}`
}
