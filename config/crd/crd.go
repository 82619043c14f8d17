// Package crd holds the CustomResourceDefinition of the API, as `make generate` writes it from the Go types.
package crd

import _ "embed"

// UserManagementStack is the YAML of the definition.
//
//go:embed bases/usermanagement.dev_usermanagementstacks.yaml
var UserManagementStack []byte
