// Package graphtest has worlds to build graphs over: none of it is seen, all of it is there.
package graphtest

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"usermanagement.dev/stack/internal/ack"
)

// Empty is a world in which nothing has been made yet.
type Empty struct{}

// Output knows nothing.
func (Empty) Output(string, string) (string, bool) { return "", false }

// Ready says no.
func (Empty) Ready(string) bool { return false }

// Full is a world in which every node is there and ready. Its values look like AWS's and depend on the node alone.
type Full struct{}

// Ready says yes.
func (Full) Ready(string) bool { return true }

// Output is a value that looks like what such a node publishes.
func (Full) Output(node, field string) (string, bool) {
	switch field {
	case ack.OutputID:
		return id(node), true
	case ack.OutputARN, ack.OutputIssuedARN, ack.OutputMasterSecretARN:
		return "arn:aws:service:us-east-2:111122223333:" + field + "/" + node, true
	case ack.OutputState:
		return "running", true
	case ack.OutputDNSName:
		return node + "-123456789.us-east-2.elb.amazonaws.com", true
	case ack.OutputHostedZoneID:
		return "Z3AADJGX6KTTL2", true
	case ack.OutputEndpointAddress:
		return node + ".c0ffee.us-east-2.rds.amazonaws.com", true
	case ack.OutputEndpointPort:
		return "3306", true
	case ack.OutputPublicIP:
		return "198.51.100.7", true
	}
	return validation(field)
}

// validation is the record that proves the ownership of a name: AWS makes it from account and name, so that it is the
// same for every certificate.
func validation(field string) (string, bool) {
	switch {
	case strings.HasSuffix(field, "/type"):
		return "CNAME", true
	case strings.HasSuffix(field, "/name"), strings.HasSuffix(field, "/value"):
		return "_" + digest(field) + ".acm-validations.aws.", true
	}
	return "", false
}

// id is an id with the prefix that EC2 gives to what the node's name begins with.
func id(node string) string {
	kind, _, _ := strings.Cut(node, "-")
	prefix, ok := map[string]string{
		"igw": "igw", "rt": "rtb", "eip": "eipalloc", "host": "i", "bastion": "i",
	}[kind]
	if !ok {
		prefix = kind
	}
	return prefix + "-0" + digest(node)[:16]
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])[:32]
}
