package ack

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// statusRead are the fields of a status that this package reads, of whichever kind. All that is known of an object's status in
// the operator is known through this package.
var statusRead = map[string]bool{
	"conditions": true, "ackResourceMetadata": true,
	// ids and addresses
	"id": true, "vpcID": true, "internetGatewayID": true, "routeTableID": true, "subnetID": true, "allocationID": true,
	"natGatewayID": true, "instanceID": true, "publicIP": true, "publicIPAddress": true, "dnsName": true,
	"canonicalHostedZoneID": true, "endpoint": true, "masterUserSecret": true, "domainValidations": true,
	// AWS's own words for how a resource is
	"state": true, "status": true, "dbInstanceStatus": true, "failureCode": true, "failureMessage": true, "failureReason": true,
	"secondaryAvailabilityZone": true, "pendingModifiedValues": true,
}

// Trim takes out of an object what nobody in the operator reads, for a cache that holds many: what AWS tells beyond what
// statusRead names, and the user data of an instance, a tenth of a stack's memory, which AWS does not tell again and nobody
// compares (Rewritten).
func Trim(object *unstructured.Unstructured) {
	if status, ok := object.Object["status"].(map[string]any); ok {
		kept := map[string]any{} // another map: one that things are taken out of keeps its size
		for field, value := range status {
			if statusRead[field] {
				kept[field] = value
			}
		}
		object.Object["status"] = kept
	}
	if spec, ok := object.Object["spec"].(map[string]any); ok && object.GetKind() == Instance.Name {
		delete(spec, "userData")
	}
}
