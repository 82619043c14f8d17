package cloud

import (
	"math/rand/v2"
	"sync"
	"time"
)

// DefaultAccount is the AWS account id used when Options names none. It is the one AWS's own documents use.
const DefaultAccount = "123456789012"

// Options sets up a Cloud. The zero value is a cloud without latency, quotas or faults.
type Options struct {
	// Account is the twelve-digit account id; empty means DefaultAccount.
	Account string
	// Clock tells the time and runs what is due later; nil means the system's clock.
	Clock Clock
	// Latencies says how long calls and their outcomes take.
	Latencies Latencies
	// Quotas limits how many things a region may hold; zero fields mean no limit.
	Quotas Quotas
	// HealthReported says that somebody really checks targets and reports with SetTargetHealth. Without, a target becomes
	// healthy by itself after OpRegister.
	HealthReported bool
	// Seed makes ids and throttling repeatable.
	Seed uint64
}

// Quotas are the per-region service quotas that a stack meets first. Zero means no limit.
type Quotas struct {
	VPCs             int
	InternetGateways int
	ElasticIPs       int
	NATGatewaysPerAZ int
}

// DefaultQuotas are those of a new AWS account (VPC quotas page of the VPC user guide).
func DefaultQuotas() Quotas {
	return Quotas{VPCs: 5, InternetGateways: 5, ElasticIPs: 5, NATGatewaysPerAZ: 5}
}

// Cloud is one AWS account. It is safe for concurrent use.
type Cloud struct {
	account   string
	clock     Clock
	latencies Latencies
	quotas    Quotas
	// healthReported is Options.HealthReported.
	healthReported bool

	mu     sync.Mutex
	rng    *rand.Rand
	db     database
	calls  callLog
	faults faultTable
	holds  holdTable
	closed bool

	events broadcaster
}

// New returns an empty account: no VPC, no hosted zone.
func New(opts Options) *Cloud {
	if opts.Account == "" {
		opts.Account = DefaultAccount
	}
	if opts.Clock == nil {
		opts.Clock = SystemClock()
	}
	c := &Cloud{
		account:   opts.Account,
		clock:     opts.Clock,
		latencies: opts.Latencies,
		quotas:    opts.Quotas,

		healthReported: opts.HealthReported,

		rng:    rand.New(rand.NewPCG(opts.Seed, opts.Seed^0x9e3779b97f4a7c15)), //nolint:gosec // repeatable ids, not secrets
		db:     newDatabase(),
		calls:  newCallLog(),
		faults: newFaultTable(opts.Seed),
		holds:  newHoldTable(),
	}
	return c
}

// Account is the account id that owns everything in c.
func (c *Cloud) Account() string { return c.account }

// Now is the cloud's time.
func (c *Cloud) Now() time.Time { return c.clock.Now() }

// Close stops everything that was to happen later and ends all subscriptions.
func (c *Cloud) Close() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.events.close()
}

// Caller says on whose behalf calls are made. AWS has no such notion beyond credentials; the model keeps it so that a
// test can tell which Kubernetes object an AWS object was made for.
type Caller struct {
	// Region is where regional calls go, for example "us-east-2".
	Region string
	// Owner is recorded on everything the caller creates.
	Owner Owner
}

// Owner names the object that an AWS object was created for.
type Owner struct {
	Kind, Namespace, Name, UID string
}

// Client makes AWS API calls as one caller in one region.
type Client struct {
	cloud  *Cloud
	caller Caller
}

// Client returns a client for caller.
func (c *Cloud) Client(caller Caller) *Client {
	return &Client{cloud: c, caller: caller}
}

// Region is where the client's regional calls go.
func (c *Client) Region() string { return c.caller.Region }
