package hostcontract

import (
	"crypto/sha256"
	"encoding/hex"
)

const hostIDLength = 12

// HostID is what a host calls itself in /health: a hash of its instance id, so that whoever knows the instance can tell
// which one answered, and nobody learns the id from an answer.
func HostID(instanceID string) string {
	sum := sha256.Sum256([]byte(instanceID))
	return hex.EncodeToString(sum[:])[:hostIDLength]
}
