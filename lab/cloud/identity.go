package cloud

import (
	"fmt"
	"strings"
)

// newID makes an EC2 id: the prefix and 17 hexadecimal digits.
func (t *tx) newID(prefix string) string {
	return fmt.Sprintf("%s-0%016x", prefix, t.cloud.rng.Uint64())
}

// hex makes n hexadecimal digits.
func (t *tx) hex(n int) string {
	var b strings.Builder
	for b.Len() < n {
		fmt.Fprintf(&b, "%016x", t.cloud.rng.Uint64())
	}
	return b.String()[:n]
}

const (
	alphaNumeric = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	upperDigits  = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	lowerLetters = "abcdefghijklmnopqrstuvwxyz"
)

func (t *tx) pick(alphabet string, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[t.cloud.rng.IntN(len(alphabet))]
	}
	return string(b)
}

// uniqueID makes an IAM unique id such as AROA… (IAM identifiers page of the IAM user guide).
func (t *tx) uniqueID(prefix string) string { return prefix + t.pick(upperDigits, 17) }

func (t *tx) uuid() string {
	h := t.hex(32)
	return h[:8] + "-" + h[8:12] + "-4" + h[13:16] + "-a" + h[17:20] + "-" + h[20:]
}

// arn names a regional resource of the caller's region.
func (t *tx) arn(service, resource string) string {
	return fmt.Sprintf("arn:aws:%s:%s:%s:%s", service, t.caller.Region, t.cloud.account, resource)
}

// globalARN names a resource of a service without regions.
func (t *tx) globalARN(service, resource string) string {
	return fmt.Sprintf("arn:aws:%s::%s:%s", service, t.cloud.account, resource)
}

// zonesOf lists the availability zones of a region. Every region of the model has three.
func zonesOf(region string) []string {
	return []string{region + "a", region + "b", region + "c"}
}

// zoneID is the account-independent id of a zone, for example use2-az1.
func zoneID(zone string) string {
	parts := strings.Split(zone, "-")
	if len(parts) != 3 || len(parts[2]) != 2 {
		return zone
	}
	return fmt.Sprintf("%s%c%c-az%d", parts[0], parts[1][0], parts[2][0], parts[2][1]-'a'+1)
}
