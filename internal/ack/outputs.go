package ack

import (
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// The values that objects publish, by kind.
const (
	OutputID                = "id"           // ec2 kinds: the resource's id
	OutputARN               = "arn"          // kinds with status.ackResourceMetadata.arn
	OutputDNSName           = "dnsName"      // LoadBalancer, in lower case
	OutputHostedZoneID      = "hostedZoneID" // LoadBalancer: the zone that its alias records point into
	OutputIssuedARN         = "issuedARN"    // Certificate, once it is issued
	OutputEndpointAddress   = "address"      // DBInstance
	OutputEndpointPort      = "port"         // DBInstance
	OutputMasterSecretARN   = "masterSecret" // DBInstance: the secret that RDS keeps the password in
	OutputPublicIP          = "publicIP"     // Instance, ElasticIPAddress
	OutputState             = "state"        // Instance, NATGateway, LoadBalancer, DBInstance: AWS's own word
	outputValidationPrefix  = "validation/"  // Certificate, per domain
	outputValidationName    = "/name"
	outputValidationType    = "/type"
	outputValidationContent = "/value"
)

// ValidationName is the Certificate output that names the DNS record proving the ownership of a domain.
func ValidationName(domain string) string {
	return outputValidationPrefix + domain + outputValidationName
}

// ValidationType is the Certificate output with that record's type.
func ValidationType(domain string) string {
	return outputValidationPrefix + domain + outputValidationType
}

// ValidationValue is the Certificate output with that record's value.
func ValidationValue(domain string) string {
	return outputValidationPrefix + domain + outputValidationContent
}

// outputPaths says where a kind keeps each of its outputs.
var outputPaths = map[string]map[string]string{
	VPC.Name:              {OutputID: "status.vpcID"},
	InternetGateway.Name:  {OutputID: "status.internetGatewayID"},
	RouteTable.Name:       {OutputID: "status.routeTableID"},
	Subnet.Name:           {OutputID: "status.subnetID"},
	ElasticIPAddress.Name: {OutputID: "status.allocationID", OutputPublicIP: "status.publicIP"},
	NATGateway.Name:       {OutputID: "status.natGatewayID", OutputState: "status.state"},
	SecurityGroup.Name:    {OutputID: "status.id"},
	Instance.Name: {
		OutputID: "status.instanceID", OutputState: "status.state.name", OutputPublicIP: "status.publicIPAddress",
	},
	LoadBalancer.Name: {
		OutputDNSName: "status.dnsName", OutputHostedZoneID: "status.canonicalHostedZoneID", OutputState: "status.state.code",
	},
	DBInstance.Name: {
		OutputEndpointAddress: "status.endpoint.address", OutputEndpointPort: "status.endpoint.port",
		OutputMasterSecretARN: "status.masterUserSecret.secretARN", OutputState: "status.dbInstanceStatus",
	},
	Certificate.Name: {OutputState: "status.status"},
}

// arnPath is where the kinds that have an ARN keep it.
const arnPath = "status.ackResourceMetadata.arn"

// Value is an output of an object, if it is known. A gateway publishes its id only once routes may point at it, and a
// certificate its issued ARN only once a listener may use it.
func Value(object *unstructured.Unstructured, field string) (string, bool) {
	kind := object.GetKind()
	switch {
	case field == OutputARN:
		return text(object, arnPath)
	case kind == Certificate.Name && field == OutputIssuedARN:
		if state, _ := text(object, "status.status"); state != certificateIssued {
			return "", false
		}
		return text(object, arnPath)
	case kind == Certificate.Name && strings.HasPrefix(field, outputValidationPrefix):
		return validationRecord(object, field)
	case kind == NATGateway.Name && field == OutputID:
		if state, _ := text(object, "status.state"); state != natAvailable {
			return "", false
		}
	}
	path, ok := outputPaths[kind][field]
	if !ok {
		return "", false
	}
	value, ok := text(object, path)
	if field == OutputDNSName {
		value = strings.ToLower(value) // Route 53 stores lower case, and ACK would see a difference for ever
	}
	return value, ok
}

// validationRecord finds a domain's record in a certificate's status. Its key for the type is type_, with underscore.
func validationRecord(certificate *unstructured.Unstructured, field string) (string, bool) {
	domain, part, _ := strings.Cut(strings.TrimPrefix(field, outputValidationPrefix), "/")
	validations, _, _ := unstructured.NestedSlice(certificate.Object, "status", "domainValidations")
	for _, v := range validations {
		validation, ok := v.(map[string]any)
		if !ok || validation["domainName"] != domain {
			continue
		}
		if part == "type" {
			part = "type_"
		}
		value, found, err := unstructured.NestedString(validation, "resourceRecord", part)
		return value, found && err == nil && value != ""
	}
	return "", false
}
