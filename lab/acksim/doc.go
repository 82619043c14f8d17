// Package acksim imitates the AWS Controllers for Kubernetes (ACK): it watches ACK custom resources on a real API server,
// makes the AWS objects they ask for in a [cloud.Cloud], and writes back what ACK writes back.
//
// It imitates ACK as it is (runtime v0.62 and the controllers of mid 2026), not as one would wish it. Conditions are wiped
// and rewritten on every pass, nothing tells which generation was seen, terminal objects are left alone until their spec
// changes, waiting looks like failure, values that AWS chose are written into spec, changes that AWS cannot make are
// ignored or undone, failed sub-calls leak AWS objects, and an object is gone from Kubernetes before AWS is done with it.
//
// The generic part (pass.go, conditions.go, references.go, adoption.go) follows ACK's runtime step by step; each kind has a
// file of its own that says how it is read, created, updated and deleted, and which of its fields ACK takes back.
package acksim
