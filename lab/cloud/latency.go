package cloud

import "time"

// Background work that no API action names but that takes time.
const (
	// OpBackup is the first backup of a new database, state backing-up.
	OpBackup Op = "rds:Backup"
	// OpFinalSnapshot is the snapshot that a database takes before it is deleted.
	OpFinalSnapshot Op = "rds:FinalSnapshot"
	// OpValidate is ACM seeing a validation record and issuing the certificate.
	OpValidate Op = "acm:Validate"
	// OpValidationTimeout is how long ACM waits for the validation record; zero means for ever.
	OpValidationTimeout Op = "acm:ValidationTimeout"
	// OpPropagate is IAM telling EC2 of a new instance profile.
	OpPropagate Op = "iam:Propagate"
	// OpDrain is a load balancer draining a deregistered target.
	OpDrain Op = "elbv2:Drain"
	// OpRegister is a registered target's first health checks.
	OpRegister Op = "elbv2:RegisterTargets"
)

// Latencies says how long things take. The zero value is a cloud where every state is reached within the call.
type Latencies struct {
	// Call is what every API call takes before it is looked at.
	Call time.Duration
	// Settle is the time from an accepted call to its outcome, by operation.
	Settle map[Op]time.Duration
}

// Zero is a cloud without latency.
func Zero() Latencies { return Latencies{} }

// AWS is about what AWS takes in practice.
func AWS() Latencies {
	return Latencies{
		Call: 120 * time.Millisecond,
		Settle: map[Op]time.Duration{
			"ec2:CreateVpc":                    2 * time.Second,
			"ec2:CreateSubnet":                 2 * time.Second,
			"ec2:CreateNatGateway":             100 * time.Second,
			"ec2:DeleteNatGateway":             60 * time.Second,
			"ec2:RunInstances":                 20 * time.Second,
			"ec2:StopInstances":                30 * time.Second,
			"ec2:TerminateInstances":           50 * time.Second,
			"elbv2:CreateLoadBalancer":         140 * time.Second,
			"elbv2:DeleteLoadBalancer":         60 * time.Second,
			OpRegister:                         20 * time.Second,
			OpDrain:                            300 * time.Second,
			"rds:CreateDBInstance":             240 * time.Second,
			OpBackup:                           60 * time.Second,
			"rds:ModifyDBInstance":             120 * time.Second,
			"rds:DeleteDBInstance":             240 * time.Second,
			OpFinalSnapshot:                    120 * time.Second,
			"acm:RequestCertificate":           6 * time.Second,
			OpValidate:                         60 * time.Second,
			OpValidationTimeout:                72 * time.Hour,
			"route53:ChangeResourceRecordSets": 40 * time.Second,
			OpPropagate:                        8 * time.Second,
		},
	}
}

// Fast keeps AWS's proportions at about a fifteenth of its times: a whole stack takes some 20 to 40 seconds.
func Fast() Latencies {
	fast := AWS().Scale(1.0 / 15)
	fast.Call = 10 * time.Millisecond
	fast.Settle[OpValidationTimeout] = 10 * time.Minute
	return fast
}

// Scale multiplies every latency by factor.
func (l Latencies) Scale(factor float64) Latencies {
	scaled := Latencies{Call: scale(l.Call, factor), Settle: make(map[Op]time.Duration, len(l.Settle))}
	for op, d := range l.Settle {
		scaled.Settle[op] = scale(d, factor)
	}
	return scaled
}

func scale(d time.Duration, factor float64) time.Duration {
	return time.Duration(float64(d) * factor)
}

// SetCallLatency changes what every API call takes from now on.
func (c *Cloud) SetCallLatency(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.latencies.Call = d
}
