// Package v1test holds stacks that the API server must take, and stacks that it must refuse with a message that helps.
// The same table is put to a real API server and to the guard of each pass.
package v1test

import (
	"encoding/json"
	"fmt"

	jsonpatch "github.com/evanphx/json-patch/v5"
	"sigs.k8s.io/yaml"
)

// Base is a valid stack; every case is a change of it.
const Base = `
apiVersion: usermanagement.dev/v1
kind: UserManagementStack
metadata: {name: base, namespace: default}
spec:
  region: us-east-2
  network:
    cidr: 10.0.0.0/16
    zones:
    - {name: us-east-2a, publicCIDR: 10.0.1.0/24, appCIDR: 10.0.10.0/24, databaseCIDR: 10.0.100.0/24}
    - {name: us-east-2b, publicCIDR: 10.0.2.0/24, appCIDR: 10.0.20.0/24, databaseCIDR: 10.0.200.0/24}
  ingress:
    domain: {name: users.example.com, hostedZoneID: Z0123456789}
  bastion:
    enabled: true
    allowedCIDRs: [203.0.113.7/32]
    authorizedKeys: [ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl alice]
  hosts: {image: ami-0abcdef1234567890}
  app:
    version: 1.0.0
    artifacts:
    - architecture: amd64
      url: https://releases.example.com/app
      sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
`

// notOneOf is what the API server says of a value that is not in an enumeration.
const notOneOf = "Unsupported value"

// Case is a change of Base and what becomes of it.
type Case struct {
	// Name says what is changed.
	Name string
	// Patch is a JSON merge patch of Base, in YAML.
	Patch string
	// Want is what the refusal must say; a case without one must be taken.
	Want string
	// From is, for a case that is about a change, the patch that makes the stack as it was before.
	From string
}

// Before is the stack that the case's change is made to, and nil for a case that is about a new stack.
func (c Case) Before() (map[string]any, error) {
	if c.From == "" {
		return nil, nil //nolint:nilnil // no stack, and that is no error
	}
	return patched(c.From)
}

// After is the stack of the case.
func (c Case) After() (map[string]any, error) { return patched(c.Patch) }

func patched(patch string) (map[string]any, error) {
	base, err := yaml.YAMLToJSON([]byte(Base))
	if err != nil {
		return nil, fmt.Errorf("v1test: %w", err)
	}
	change, err := yaml.YAMLToJSON([]byte(patch))
	if err != nil {
		return nil, fmt.Errorf("v1test: %w", err)
	}
	merged, err := jsonpatch.MergePatch(base, change)
	if err != nil {
		return nil, fmt.Errorf("v1test: %w", err)
	}
	var object map[string]any
	if err := json.Unmarshal(merged, &object); err != nil {
		return nil, fmt.Errorf("v1test: %w", err)
	}
	return object, nil
}

// Cases are all cases.
func Cases() []Case {
	var all []Case
	for _, some := range [][]Case{
		metadataCases, networkCases, ingressCases, bastionCases, hostCases, databaseCases, appCases, otherCases, changeCases,
	} {
		all = append(all, some...)
	}
	return all
}
