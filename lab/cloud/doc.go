// Package cloud is an in-memory model of the part of AWS that a user-management stack needs: networking, instances,
// identity, secrets, databases, certificates, DNS and load balancing, in one account and any number of regions.
//
// It exists so that controllers can be run and tested with no account, and it is deliberately as strict as AWS: names
// have AWS's limits, references must exist, deletes are refused while something depends on the thing, and states take
// time. It knows nothing about Kubernetes.
//
// [Client] holds one method per AWS API action and answers with AWS's error codes. [Cloud] holds what AWS has no API
// for: latencies, faults, the call log, the inventory, events, and changes made behind everyone's back.
//
// Values that Client and Cloud hand out are copies; the slices and maps inside them are shared and must not be changed.
package cloud
