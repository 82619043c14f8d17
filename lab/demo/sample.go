package demo

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/lab/environment"
	"usermanagement.dev/stack/lab/hosts"
	"usermanagement.dev/stack/lab/origin"
)

// fieldOwner is the name under which the demo applies.
const fieldOwner = "user-management-stack-demo"

// sample is the stack that is applied.
type sample struct {
	object *unstructured.Unstructured
	path   string
	// notes are what of the manifest the lab had to change, a line each.
	notes []string
}

// fitting is what the lab has in place of what a manifest names.
type fitting struct {
	// Zone is the id of the account's hosted zone, which is called Domain.
	Zone, Domain string
	// Certificate makes an issued certificate for names and returns its ARN.
	Certificate func(region string, names []string) (arn string, err error)
	// AuthorizedKey is the key of the demo's own administrator; empty where nobody can sign in to hosts.
	AuthorizedKey string
	// Visitor is the address from which people come who use the lab's proxy; empty where load balancers ask nobody whence.
	Visitor string
	// Release is a binary that hosts can really fetch; nil where they do not.
	Release *origin.Artifact
}

// readSample reads a manifest with one stack, and fits it to the lab.
func readSample(path string, lab fitting) (*sample, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the sample: %w", err)
	}
	s := &sample{path: path}
	if s.object, err = decode(text); err != nil {
		return nil, fmt.Errorf("read the sample %s: %w", path, err)
	}
	if s.object.GetNamespace() == "" {
		s.object.SetNamespace("default")
	}
	if err := errors.Join(s.fitDomain(lab), s.fitRelease(lab), s.fitKey(lab), s.fitVisitor(lab)); err != nil {
		return nil, fmt.Errorf("fit the sample %s to the lab: %w", path, err)
	}
	return s, nil
}

// fitDomain puts names under the account's zone, which browsers find on this machine.
func (s *sample) fitDomain(lab fitting) error {
	domain, found, err := unstructured.NestedMap(s.object.Object, "spec", "ingress", "domain")
	if err != nil || !found {
		return err
	}
	name, _, err := unstructured.NestedString(domain, "name")
	if err != nil {
		return err
	}
	aliases, _, err := unstructured.NestedStringSlice(domain, "aliases")
	if err != nil {
		return err
	}
	names := make([]string, 0, 1+len(aliases))
	for _, given := range append([]string{name}, aliases...) {
		names = append(names, strings.TrimSuffix(given, "."+environment.Domain)+"."+lab.Domain)
	}
	domain["name"] = names[0]
	if len(aliases) > 0 {
		if err := unstructured.SetNestedStringSlice(domain, names[1:], "aliases"); err != nil {
			return err
		}
	}
	s.note("its domain is %s, which browsers find on this machine", names[0])
	if given, _, _ := unstructured.NestedString(domain, "hostedZoneID"); given != "" {
		domain["hostedZoneID"] = lab.Zone
		s.note("its hostedZoneID is replaced by that of the lab's zone %s", lab.Domain)
	}
	if given, _, _ := unstructured.NestedString(domain, "certificateARN"); given != "" {
		region, _, _ := unstructured.NestedString(s.object.Object, "spec", "region")
		if domain["certificateARN"], err = lab.Certificate(region, names); err != nil {
			return err
		}
		s.note("its certificateARN is replaced by that of a certificate which the lab's account has")
	}
	return unstructured.SetNestedMap(s.object.Object, domain, "spec", "ingress", "domain")
}

// fitRelease names a binary that there is, for the architecture that this machine has.
func (s *sample) fitRelease(lab fitting) error {
	if lab.Release == nil {
		return nil
	}
	s.note("its release is %s of the app as built here, for %s", lab.Release.Version, lab.Release.Architecture)
	return errors.Join(
		s.fitInstanceType(lab.Release.Architecture, "spec", "hosts"), s.fitInstanceType(lab.Release.Architecture, "spec", "bastion"),
		unstructured.SetNestedField(s.object.Object, lab.Release.Architecture, "spec", "hosts", "architecture"),
		unstructured.SetNestedField(s.object.Object, lab.Release.Version, "spec", "app", "version"),
		unstructured.SetNestedSlice(s.object.Object, []any{artifactOf(*lab.Release)}, "spec", "app", "artifacts"),
	)
}

// fitInstanceType gives hosts, or a bastion, an instance type of an architecture.
func (s *sample) fitInstanceType(architecture string, path ...string) error {
	machine, found, err := unstructured.NestedMap(s.object.Object, path...)
	if err != nil || !found {
		return err
	}
	given, _, err := unstructured.NestedString(machine, "instanceType")
	if err != nil {
		return err
	}
	fit := hosts.InstanceType(given, architecture)
	if fit == given {
		return nil
	}
	s.note("its %s.instanceType is %s in place of %s, for that", path[len(path)-1], fit, cmp.Or(given, "none"))
	return unstructured.SetNestedField(s.object.Object, fit, append(path, "instanceType")...)
}

// fitKey lets the demo's own administrator sign in, in place of those of the manifest, whose private keys nobody has here.
func (s *sample) fitKey(lab fitting) error {
	enabled, _, err := unstructured.NestedBool(s.object.Object, "spec", "bastion", "enabled")
	if err != nil || !enabled || lab.AuthorizedKey == "" {
		return err
	}
	s.note("its bastion takes the demo's own SSH key, from the addresses that it allows")
	return unstructured.SetNestedStringSlice(s.object.Object, []string{lab.AuthorizedKey}, "spec", "bastion", "authorizedKeys")
}

// fitVisitor has the load balancer let in who comes from the lab's internet.
func (s *sample) fitVisitor(lab fitting) error {
	scheme, _, err := unstructured.NestedString(s.object.Object, "spec", "ingress", "scheme")
	if err != nil || lab.Visitor == "" {
		return err
	}
	if scheme == string(v1.SchemeInternal) {
		return errors.New("its load balancer has private addresses, to which no way leads from this machine into a network of " +
			"machines: show it with hosts that are processes (make demo HOSTS=process)")
	}
	allowed, found, err := unstructured.NestedStringSlice(s.object.Object, "spec", "ingress", "allowedCIDRs")
	if err != nil || !found || slices.ContainsFunc(allowed, holds(netip.MustParseAddr(lab.Visitor))) {
		return err
	}
	s.note("its allowedCIDRs let in %s as well, from where this machine comes", lab.Visitor)
	return unstructured.SetNestedStringSlice(s.object.Object, append(allowed, lab.Visitor+"/32"), "spec", "ingress", "allowedCIDRs")
}

// holds reports of networks whether an address is in them.
func holds(address netip.Addr) func(network string) bool {
	return func(network string) bool {
		prefix, err := netip.ParsePrefix(network)
		return err == nil && prefix.Contains(address)
	}
}

// artifactOf is an entry of spec.app.artifacts.
func artifactOf(a origin.Artifact) map[string]any {
	return map[string]any{"architecture": a.Architecture, "url": a.URL, "sha256": a.SHA256}
}

func (s *sample) note(format string, args ...any) {
	s.notes = append(s.notes, fmt.Sprintf(format, args...))
}

// domain is the name under which people reach the stack; empty if it has none.
func (s *sample) domain() string {
	name, _, _ := unstructured.NestedString(s.object.Object, "spec", "ingress", "domain", "name")
	return name
}

// decode takes YAML or JSON with exactly one stack.
func decode(text []byte) (*unstructured.Unstructured, error) {
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(text), len(text)+1)
	object := &unstructured.Unstructured{}
	if err := decoder.Decode(&object.Object); err != nil {
		return nil, err
	}
	if object.GroupVersionKind() != v1.GroupVersionKind || object.GetName() == "" {
		return nil, fmt.Errorf("it is no %s with a name", v1.Kind)
	}
	if err := decoder.Decode(&map[string]any{}); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("it holds more than one object; the demo applies one %s", v1.Kind)
	}
	return object, nil
}

// apply has the API server take the stack, or say what is wrong with it.
func (d *demo) apply(ctx context.Context) error {
	err := d.client.Apply(ctx, client.ApplyConfigurationFromUnstructured(d.sample.object), client.FieldOwner(fieldOwner))
	if err != nil {
		return fmt.Errorf("apply %s: %w", d.sample.path, err)
	}
	return nil
}
