package ack

import (
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// databaseServes are the states of a DB instance in which clients are served: work goes on beside them.
// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/accessing-monitoring.html
var databaseServes = []string{
	databaseAvailable, databaseOptimizing, "backing-up", "modifying", "resetting-master-credentials",
	"storage-config-upgrade", "storage-initialization",
}

// Serving says whether users are served through a listener, a database or a host as it is now. That is not readiness: it
// stays while a change is on its way, and while ACK has trouble with the next one.
func Serving(object *unstructured.Unstructured) bool {
	if object.GetDeletionTimestamp() != nil {
		return false
	}
	state, _ := Value(object, OutputState)
	switch object.GetKind() {
	case Listener.Name:
		_, made := Value(object, OutputARN)
		return made
	case DBInstance.Name:
		_, reachable := Value(object, OutputEndpointAddress)
		return reachable && (slices.Contains(databaseServes, state) || strings.HasPrefix(state, "configuring-"))
	case Instance.Name:
		return state == instanceRunning && !terminatedOutside(object)
	default:
		return false
	}
}

// Cure is a merge patch of the spec that frees an object from a state which ACK does not leave by itself; empty if there
// is nothing to cure. ACK writes a database's zone into the spec and asks for it for ever after RDS has moved the
// database, by a failover or a change of class; without the field it learns the zone anew.
func Cure(object *unstructured.Unstructured, now time.Time) map[string]any {
	const zone = "availabilityZone"
	if _, written := text(object, "spec."+zone); !written || object.GetKind() != DBInstance.Name {
		return nil
	}
	if old, _ := stale(object, now); old {
		return nil
	}
	state, _ := text(object, "status.dbInstanceStatus")
	_, synced := isTrue(object, conditionSynced)
	if synced || state != databaseAvailable || pendingChange(object) {
		return nil
	}
	return map[string]any{zone: nil}
}
