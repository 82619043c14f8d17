package main

import (
	"fmt"
	"os"
	"path/filepath"

	"sigs.k8s.io/yaml"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/lab/environment"
)

// readSample is the stack of which many are made: one of config/samples, as it would be applied in the lab, and without
// the protection that would keep it from being deleted.
func readSample(s settings, zone string) (*v1.UserManagementStack, error) {
	text, err := os.ReadFile(filepath.Join(s.root, "config", "samples", s.sample+".yaml"))
	if err != nil {
		return nil, fmt.Errorf("read the sample: %w", err)
	}
	stack := &v1.UserManagementStack{}
	if err := yaml.UnmarshalStrict(text, stack); err != nil {
		return nil, fmt.Errorf("read the sample %s: %w", s.sample, err)
	}
	stack.Namespace = namespace
	stack.Spec.Database.DeletionProtection = false
	if domain := stack.Spec.Ingress.Domain; domain != nil && domain.HostedZoneID != "" {
		domain.HostedZoneID = zone
	}
	return stack, nil
}

func stackName(i int) string { return fmt.Sprintf("stack-%04d", i) }

// numbered is the i-th stack. Each has names of its own in the one hosted zone.
func numbered(template *v1.UserManagementStack, i int) *v1.UserManagementStack {
	stack := template.DeepCopy()
	stack.Name = stackName(i)
	if domain := stack.Spec.Ingress.Domain; domain != nil {
		domain.Name = stack.Name + "." + environment.Domain
		for a := range domain.Aliases {
			domain.Aliases[a] = fmt.Sprintf("alias-%d.%s", a, domain.Name)
		}
	}
	return stack
}
