package hostcontract

// Status is the outcome of a health check.
type Status string

// The outcomes. A host that is draining answers 503 with StatusDraining while it finishes what it has begun.
const (
	StatusOK       Status = "ok"
	StatusFailing  Status = "failing"
	StatusDraining Status = "draining"
)

// Names of the checks in Health.Checks.
const (
	CheckDatabase = "database"
	CheckSchema   = "schema"
)

// Health is the body of GET /health. With HTTP 200 Status is StatusOK, with 503 it is one of the others.
type Health struct {
	Status  Status `json:"status"`
	Version string `json:"version"`
	// Host is the opaque id given by EnvHostID, Zone the availability zone given by EnvZone.
	Host   string           `json:"host"`
	Zone   string           `json:"zone"`
	Checks map[string]Check `json:"checks"`
}

// Check is one thing that has to work for the host to serve.
type Check struct {
	Status Status `json:"status"`
	// DurationMS is how long the check took, in milliseconds.
	DurationMS float64 `json:"duration_ms"`
	// Reason says in a few words why the check fails: a class such as "unreachable", never an address or a credential.
	Reason string `json:"reason,omitempty"`
}
