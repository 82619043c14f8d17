package network

import (
	"crypto/sha256"
	"fmt"
	"strings"
)

// Addresses that do not come from the model.
const (
	// MetadataAddress is where an instance asks for its metadata.
	// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html
	MetadataAddress = "169.254.169.254"
	// routerLink and internetLink are the two ends of the link between a VPC's router and the internet.
	routerLink   = "169.254.0.2"
	internetLink = "169.254.0.1"
	// gatewayDevice is the router's end of that link.
	gatewayDevice = "internet"
	// hostDevice is what an interface is called where it is used.
	hostDevice = "eth0"
)

// maxDevice is what Linux allows for the name of a network device (IFNAMSIZ, without the end).
const maxDevice = 15

// device is a name for a network device of a thing of the model: unique among the things of one kind in one namespace.
func device(prefix, id string) string {
	_, digits, _ := strings.Cut(id, "-")
	return prefix + digits[max(0, len(digits)-(maxDevice-len(prefix))):]
}

func bridgeDevice(subnetID string) string { return device("br", subnetID) }

func portDevice(interfaceID string) string { return device("if", interfaceID) }

func vpcDevice(vpcID string) string { return device("vp", vpcID) }

// HardwareAddress is the MAC address of an interface: always the same, and administered locally (IEEE 802).
func HardwareAddress(interfaceID string) string {
	sum := sha256.Sum256([]byte(interfaceID))
	return fmt.Sprintf("02:%02x:%02x:%02x:%02x:%02x", sum[0], sum[1], sum[2], sum[3], sum[4])
}

// word makes an id one that nft takes for a name.
func word(id string) string { return strings.ReplaceAll(id, "-", "_") }
