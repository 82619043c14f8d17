package ack

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	v1 "usermanagement.dev/stack/api/v1"
)

// AWS's own words for the states that matter here.
const (
	certificateIssued  = "ISSUED"
	natAvailable       = "available"
	natFailed          = "failed"
	instanceRunning    = "running"
	databaseAvailable  = "available"
	databaseDeleting   = "deleting"
	databaseOptimizing = "storage-optimization"
	balancerFailed     = "failed"
	recordInSync       = "INSYNC"
)

// databaseFailures are the states of a DB instance that it does not leave by itself.
// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/accessing-monitoring.html
var databaseFailures = []string{
	"failed", "inaccessible-encryption-credentials", "inaccessible-encryption-credentials-recoverable",
	"incompatible-network", "incompatible-option-group", "incompatible-parameters", "incompatible-restore",
	"restore-error", "insufficient-capacity", "storage-full", "stopped",
}

// awsState reads the states that ACK's conditions do not tell: ACK calls a certificate synced that nobody has validated,
// and polls a failed gateway for ever. The second result is false if the conditions have the word.
func awsState(object *unstructured.Unstructured) (Assessment, bool) {
	switch object.GetKind() {
	case NATGateway.Name:
		return natState(object)
	case Certificate.Name:
		return certificateState(object)
	case Instance.Name:
		return instanceState(object)
	case DBInstance.Name:
		return databaseState(object)
	case LoadBalancer.Name:
		if state, _ := text(object, "status.state.code"); state == balancerFailed {
			reason, _ := text(object, "status.state.reason")
			return failed(v1.ReasonTerminalError, "the load balancer failed: "+reason,
				"mend what the reason names, then delete this object; it is made again"), true
		}
	case RecordSet.Name:
		if state, ok := text(object, "status.status"); ok && state != recordInSync {
			return progressing("Route 53 spreads the record to its name servers"), true
		}
	}
	return Assessment{}, false
}

func natState(object *unstructured.Unstructured) (Assessment, bool) {
	state, _ := text(object, "status.state")
	switch state {
	case natFailed:
		code, _ := text(object, "status.failureCode")
		message, _ := text(object, "status.failureMessage")
		return failed(v1.ReasonGatewayFailed, strings.TrimSpace("the gateway failed: "+code+" "+message),
			"mend what the message names, then delete this object; it is made again"), true
	case natAvailable, "":
		return Assessment{}, false
	default:
		return progressing("the gateway is " + state), true
	}
}

func certificateState(object *unstructured.Unstructured) (Assessment, bool) {
	state, _ := text(object, "status.status")
	switch state {
	case certificateIssued, "":
		return Assessment{}, false
	case "PENDING_VALIDATION":
		return progressing("ACM waits to see the validation records in DNS"), true
	default:
		reason, _ := text(object, "status.failureReason")
		return failed(v1.ReasonCertificateFailed, strings.TrimSpace("the certificate is "+state+" "+reason),
			"check that ingress.domain.hostedZoneID is the public zone that the domain is delegated to, then delete this "+
				"object; a new certificate is requested"), true
	}
}

func instanceState(object *unstructured.Unstructured) (Assessment, bool) {
	state, _ := text(object, "status.state.name")
	switch state {
	case instanceRunning, "":
		if terminatedOutside(object) {
			return failed(v1.ReasonInstanceTerminated, "the instance was terminated outside of Kubernetes and ACK cannot make it again",
				"delete this object; it is made again"), true
		}
		return Assessment{}, false
	case "pending":
		return progressing("the instance is pending"), true
	case "stopped", "stopping":
		return failed(v1.ReasonInstanceTerminated, "the instance is "+state,
			"start it again, or delete this object; it is made again"), true
	default:
		return failed(v1.ReasonInstanceTerminated, "the instance is "+state,
			"delete this object; it is made again"), true
	}
}

// terminatedOutside knows an instance that ACK tries to make again with the spec that it has written back, which AWS
// refuses for ever. Its state is then the one from before.
func terminatedOutside(instance *unstructured.Unstructured) bool {
	message, ok := isTrue(instance, conditionRecoverable)
	return ok && strings.Contains(message, "Network interfaces and an instance-level subnet")
}

func databaseState(object *unstructured.Unstructured) (Assessment, bool) {
	state, _ := text(object, "status.dbInstanceStatus")
	switch {
	case state == databaseAvailable, state == databaseOptimizing, state == "":
		return Assessment{}, false
	case state == databaseDeleting:
		return Assessment{
			Reason: v1.ReasonDeletedOutside, Message: "the database is being deleted in AWS; it is made again, empty, after that",
			Hint: "if that was not meant, restore its data from the final snapshot or the automated backups",
		}, true
	case slices.Contains(databaseFailures, state):
		return failed(v1.ReasonDatabaseFailed, "the database is "+state,
			"follow the RDS user guide for this state; the stack goes on when the database is available"), true
	default:
		return progressing("the database is " + state), true
	}
}

// usable is for what serves although ACK does not call it synced: storage is optimised for hours after it grew, and
// after a failover of a Multi-AZ database ACK asks for ever for the zone that it was in before.
func usable(object *unstructured.Unstructured) bool {
	if object.GetKind() != DBInstance.Name {
		return false
	}
	state, _ := text(object, "status.dbInstanceStatus")
	return state == databaseOptimizing || (state == databaseAvailable && failedOver(object) && !pendingChange(object))
}

func failedOver(database *unstructured.Unstructured) bool {
	was, ok := text(database, "spec.availabilityZone")
	standby, _ := text(database, "status.secondaryAvailabilityZone")
	return ok && was == standby
}

func pendingChange(database *unstructured.Unstructured) bool {
	pending, _ := field(database, "status.pendingModifiedValues").(map[string]any)
	return len(pending) > 0
}

// ordinarySigns are the words by which ACK's own requeues are known, and IAM's for a profile that it has not spread yet.
var ordinarySigns = []string{
	"requeu", "sync additional fields", "resource is pending", "post-create", "Invalid IAM Instance Profile",
}

// ordinaryWaiting tells work in progress from trouble by the texts that ACK's own requeues carry.
func ordinaryWaiting(object *unstructured.Unstructured, message string) bool {
	for _, sign := range ordinarySigns {
		if strings.Contains(strings.ToLower(message), strings.ToLower(sign)) {
			return true
		}
	}
	state, _ := text(object, "status.state")
	return object.GetKind() == NATGateway.Name && state == "pending"
}

// terminalHint is the way out of ACK.Terminal, which ACK itself never leaves before the spec changes.
func terminalHint(object *unstructured.Unstructured, message string) string {
	switch {
	case object.GetKind() == RecordSet.Name && strings.Contains(message, "already exists"):
		return "the name has a record in the hosted zone already: remove that and delete this object, which is then made again; " +
			"or set spec.ingress.domain.existingRecords to TakeOver"
	case strings.Contains(message, "not managed by ACK"), strings.Contains(message, "already exists"):
		return "a resource of this name exists in AWS and is not this stack's: remove or rename it there, " +
			"then delete this object; it is made again"
	case object.GetKind() == DBInstance.Name:
		return "set the field of spec.database that the message names to a value RDS accepts for this engine and class"
	default:
		return "correct the field of the stack that the message speaks of; ACK tries again as soon as the object's spec changes"
	}
}

// InstanceGone says whether an Instance's EC2 instance is terminated, or on its way there: it never comes back.
func InstanceGone(instance *unstructured.Unstructured) bool {
	state, _ := Value(instance, OutputState)
	return state == "terminated" || state == "shutting-down" || terminatedOutside(instance)
}

// InstanceRunning says whether an Instance's OutputState is the one in which a load balancer takes it as a target.
func InstanceRunning(state string) bool { return state == instanceRunning }
