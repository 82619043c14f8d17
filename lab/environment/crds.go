package environment

import (
	"fmt"
	"os"
	"path/filepath"
)

// CRDs are the definitions that a lab needs, from a checkout of this repository: the stack's own, and ACK's.
func CRDs(root string) ([]string, error) {
	ack, err := ACKCRDs(root)
	if err != nil {
		return nil, err
	}
	return []string{filepath.Join(root, "config", "crd", "bases"), ack}, nil
}

// ACKCRDs is the folder of ACK's definitions: the one that UMS_ACK_CRDS names or, without it, where `make ack-crds` has
// put them in a checkout.
func ACKCRDs(root string) (string, error) {
	ack := os.Getenv("UMS_ACK_CRDS")
	if ack == "" {
		ack = filepath.Join(root, "bin", "ack-crds")
	}
	if _, err := os.Stat(ack); err != nil {
		return "", fmt.Errorf("there are no ACK definitions: %w; run `make ack-crds`, or set UMS_ACK_CRDS to a folder of them", err)
	}
	return ack, nil
}
