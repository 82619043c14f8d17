// Package hostcontract is what the operator and the web app on a host agree on: the names of the environment
// variables that cloud-init writes and the app reads, the form of the two secrets, and the /health document that the
// app answers and the operator's probe reads. It depends on nothing, so that neither side drags the other in.
package hostcontract

// Environment variables of the app. None of them holds a secret on a host made by the operator: secrets are named by
// ARN and read with the host's role. The three that can hold one (DatabaseURL, SetupSecret, EncryptionKey) are for
// running the app where there is no Secrets Manager.
const (
	// EnvListen is the address and port the app serves, such as "0.0.0.0:8080".
	EnvListen = "UMS_LISTEN"
	// EnvMetricsListen is the address of /metrics, kept apart from what the load balancer reaches. Empty turns it off.
	EnvMetricsListen = "UMS_METRICS_LISTEN"
	// EnvDatabaseHost, EnvDatabasePort and EnvDatabaseName say where the database is.
	EnvDatabaseHost = "UMS_DATABASE_HOST"
	EnvDatabasePort = "UMS_DATABASE_PORT"
	EnvDatabaseName = "UMS_DATABASE_NAME"
	// EnvDatabaseSecretARN names the secret that holds a DatabaseSecret; RDS manages and rotates it.
	EnvDatabaseSecretARN = "UMS_DATABASE_SECRET_ARN" //nolint:gosec // the name of a variable
	// EnvDatabaseTLS is "verify" (the default with a secret ARN), or "disabled" (only sensible on loopback).
	EnvDatabaseTLS = "UMS_DATABASE_TLS"
	// EnvDatabaseCAFile is a PEM bundle to verify the database against; empty means the system's roots.
	// RDS needs its own bundle: its certificate authorities are not among the public roots.
	EnvDatabaseCAFile = "UMS_DATABASE_CA_FILE"
	// EnvDatabaseURL is mysql://user:password@host:port/name, in place of the five above, for trying the app anywhere.
	EnvDatabaseURL = "UMS_DATABASE_URL"
	// EnvAppSecretARN names the secret that holds an AppSecret.
	EnvAppSecretARN = "UMS_APP_SECRET_ARN" //nolint:gosec // the name of a variable
	// EnvSetupSecret and EnvEncryptionKey are the fields of AppSecret, given directly.
	EnvSetupSecret   = "UMS_SETUP_SECRET"
	EnvEncryptionKey = "UMS_ENCRYPTION_KEY"
	// EnvPreviousEncryptionKeys are AppSecret's, separated by commas.
	EnvPreviousEncryptionKeys = "UMS_PREVIOUS_ENCRYPTION_KEYS"
	// EnvAdminUsername and EnvAdminEmail are filled into the form that makes the first administrator.
	EnvAdminUsername = "UMS_ADMIN_USERNAME"
	EnvAdminEmail    = "UMS_ADMIN_EMAIL"
	// EnvPublicURL is the address people type, scheme included. Links, cookies and origin checks follow it and never
	// the Host header.
	EnvPublicURL = "UMS_PUBLIC_URL"
	// EnvTrustedProxies is a comma-separated list of CIDRs whose X-Forwarded-For entries are believed: the subnets of
	// the load balancer.
	EnvTrustedProxies = "UMS_TRUSTED_PROXIES"
	// EnvHostID is an opaque name of this host; EnvZone its availability zone. Both appear in /health.
	EnvHostID = "UMS_HOST_ID"
	EnvZone   = "UMS_ZONE"
	// EnvDrain is how long the app keeps serving after SIGTERM while /health answers 503, as a Go duration.
	EnvDrain = "UMS_DRAIN"
	// EnvAWSRegion is the AWS SDK's own variable.
	EnvAWSRegion = "AWS_REGION"
)

// Paths of the app that others than people ask for.
const (
	// HealthPath is for the load balancer and the operator: 200 only if the host can serve, database included.
	HealthPath = "/health"
	// LivePath is for a supervisor: it never looks at the database.
	LivePath = "/livez"
	// MetricsPath is served on EnvMetricsListen only.
	MetricsPath = "/metrics"
	// SetupPath takes the setup secret once and makes the first administrator.
	SetupPath = "/setup"
)

// DefaultPort is the port the app listens on when EnvListen is not set.
const DefaultPort = 8080

// DatabaseSecret is the JSON that RDS writes into a managed master user secret; only these fields are read.
type DatabaseSecret struct {
	Username string `json:"username"`
	Password string `json:"password"`
}

// AppSecret is the JSON of the secret that the operator makes for the app.
type AppSecret struct {
	// SetupSecret lets whoever has it make the first administrator, once. At least 16 characters.
	SetupSecret string `json:"setup_secret"`
	// EncryptionKey is 32 random bytes in standard base64. Second-factor secrets are encrypted with it.
	EncryptionKey string `json:"encryption_key"`
	// PreviousEncryptionKeys are those before it, as long as something may be encrypted with them.
	PreviousEncryptionKeys []string `json:"previous_encryption_keys,omitempty"`
}
