package stacktest

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/lab/cloud"
	"usermanagement.dev/stack/lab/environment"
	"usermanagement.dev/stack/lab/hosts"
	"usermanagement.dev/stack/lab/origin"
)

// Namespace makes a namespace for one test.
func (l *Lab) Namespace(t testing.TB) string {
	t.Helper()
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "t-"}}
	if err := l.Admin.Create(t.Context(), ns); err != nil {
		t.Fatalf("make a namespace: %v", err)
	}
	return ns.Name
}

// Sample reads one of config/samples, with the lab's hosted zone and a certificate of the lab's account in place of those
// that it names.
func (l *Lab) Sample(t testing.TB, name string) *v1.UserManagementStack {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(Root, "config", "samples", name+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	stack := &v1.UserManagementStack{}
	if err := yaml.UnmarshalStrict(text, stack); err != nil {
		t.Fatalf("read the sample %s: %v", name, err)
	}
	if domain := stack.Spec.Ingress.Domain; domain != nil {
		if domain.HostedZoneID != "" {
			domain.HostedZoneID = l.Zone
		}
		if domain.CertificateARN != "" {
			domain.CertificateARN = l.ownCertificate(t, stack)
		}
	}
	stack.Spec.Database.DeletionProtection = false
	return stack
}

// ownCertificate has the account hold a certificate that its owner brought along: one that is issued.
func (l *Lab) ownCertificate(t testing.TB, stack *v1.UserManagementStack) string {
	t.Helper()
	var arn string
	err := l.Cloud.Use(t.Context(), stack.Spec.Region, func(ctx context.Context, c *cloud.Client) error {
		names := append([]string{stack.Spec.Ingress.Domain.Name}, stack.Spec.Ingress.Domain.Aliases...)
		certificate, err := c.ImportCertificate(ctx, names...)
		arn = certificate.ARN
		return err
	})
	if err != nil {
		t.Fatalf("bring a certificate along: %v", err)
	}
	return arn
}

// Place puts a stack into a namespace, and gives it a domain that no other namespace has: stacks of several tests share the
// account, and a name is only once in its zone.
func Place(stack *v1.UserManagementStack, namespace string) {
	stack.Namespace = namespace
	if domain := stack.Spec.Ingress.Domain; domain != nil && domain.HostedZoneID != "" {
		domain.Name, domain.Aliases = "users."+namespace+"."+environment.Domain, []string{"www." + namespace + "." + environment.Domain}
	}
}

// SetRelease has hosts run a release, on this machine's architecture.
func SetRelease(stack *v1.UserManagementStack, release origin.Artifact) {
	stack.Spec.Hosts.Architecture = v1.Architecture(runtime.GOARCH)
	stack.Spec.Hosts.InstanceType = hosts.InstanceType(stack.Spec.Hosts.InstanceType, runtime.GOARCH)
	if stack.Spec.Bastion.Enabled {
		stack.Spec.Bastion.InstanceType = hosts.InstanceType(stack.Spec.Bastion.InstanceType, runtime.GOARCH)
	}
	stack.Spec.App.Version = release.Version
	stack.Spec.App.Artifacts = []v1.Artifact{{
		Architecture: v1.Architecture(release.Architecture), URL: release.URL, SHA256: release.SHA256,
	}}
}
