// Package argocd holds what Argo CD is told of the kind UserManagementStack.
package argocd

import _ "embed"

// Health is a patch of Argo CD's ConfigMap argocd-cm, with the Lua script that says how healthy a stack is, under HealthKey.
//
//go:embed health.yaml
var Health []byte

// HealthKey is where Argo CD looks for the script.
// See https://argo-cd.readthedocs.io/en/stable/operator-manual/health/#custom-health-checks
const HealthKey = "resource.customizations.health.usermanagement.dev_UserManagementStack"
