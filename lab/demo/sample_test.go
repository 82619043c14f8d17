package demo

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"usermanagement.dev/stack/lab/origin"
)

const head = "apiVersion: usermanagement.dev/v1\nkind: UserManagementStack\nmetadata: {name: a}\n"

func manifest(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "stack.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// fitted has a zone, a certificate for everybody and a release.
var fitted = fitting{
	Zone: "ZLAB", Domain: domain,
	Certificate: func(region string, names []string) (string, error) {
		return region + "/" + strings.Join(names, "+"), nil
	},
	Release: &origin.Artifact{Version: "1.4.0", Architecture: "amd64", URL: "https://releases.example.com/x", SHA256: "5a"},
}

func at(t *testing.T, s *sample, fields ...string) any {
	t.Helper()
	value, _, err := unstructured.NestedFieldNoCopy(s.object.Object, fields...)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func TestSampleIsFittedToTheLab(t *testing.T) {
	s, err := readSample(manifest(t, head+`spec:
  region: us-east-2
  ingress: {domain: {name: users.example.com, aliases: [www.users.example.com, people.corp.test], hostedZoneID: Z1}}
  hosts: {architecture: arm64}
`), fitted)
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(s.object.GetNamespace(), " ", at(t, s, "spec"))
	want := "default map[app:map[artifacts:[map[architecture:amd64 sha256:5a url:https://releases.example.com/x]] version:1.4.0] " +
		"hosts:map[architecture:amd64] ingress:map[domain:map[aliases:[www.users.example.localhost " +
		"people.corp.test.example.localhost] " +
		"hostedZoneID:ZLAB name:users.example.localhost]] region:us-east-2]"
	if got != want {
		t.Errorf("applied is\n%s, want\n%s", got, want)
	}
	if len(s.notes) != 3 {
		t.Errorf("told is %q", s.notes)
	}
}

func TestSampleWithItsOwnCertificate(t *testing.T) {
	s, err := readSample(manifest(t, head+`spec:
  region: eu-central-1
  ingress: {domain: {name: users.example.com, certificateARN: "arn:x"}}
`), fitting{Zone: "ZLAB", Domain: domain, Certificate: fitted.Certificate})
	if err != nil {
		t.Fatal(err)
	}
	if arn := at(t, s, "spec", "ingress", "domain", "certificateARN"); arn != "eu-central-1/users.example.localhost" {
		t.Errorf("the certificate is %v", arn)
	}
	if at(t, s, "spec", "app") != nil || at(t, s, "spec", "ingress", "domain", "hostedZoneID") != nil {
		t.Errorf("something was added: %v", s.object.Object)
	}
}

func TestSampleThatIsNone(t *testing.T) {
	for want, text := range map[string]string{
		"no UserManagementStack": "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n",
		"more than one":          head + "---\n" + head,
		"yaml":                   "a: [",
	} {
		if _, err := readSample(manifest(t, text), fitted); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error with %q, got %v", want, err)
		}
	}
}

func TestQuoted(t *testing.T) {
	for word, want := range map[string]string{
		".lab/1/kubeconfig": ".lab/1/kubeconfig", "a b": "'a b'", "it's": `'it'\''s'`, "": "''", "$x": "'$x'",
	} {
		if got := quoted(word); got != want {
			t.Errorf("quoted(%q) is %s, want %s", word, got, want)
		}
	}
}

// TestVisitorsOfANetworkAreLetIn, if any way leads to the load balancer at all.
func TestVisitorsOfANetworkAreLetIn(t *testing.T) {
	network := fitted
	network.Visitor = "198.51.100.9"
	for allowed, want := range map[string]string{
		"ingress: {allowedCIDRs: [203.0.113.0/24]}":  "[203.0.113.0/24 198.51.100.9/32]",
		"ingress: {allowedCIDRs: [198.51.100.0/24]}": "[198.51.100.0/24]",
		"ingress: {allowedCIDRs: [0.0.0.0/0]}":       "[0.0.0.0/0]",
		"region: us-east-2":                          "<nil>", // the default lets everybody in
	} {
		s, err := readSample(manifest(t, head+"spec:\n  "+allowed+"\n"), network)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(at(t, s, "spec", "ingress", "allowedCIDRs")); got != want {
			t.Errorf("of %q come the networks %s, want %s", allowed, got, want)
		}
	}
	internal := manifest(t, head+"spec:\n  ingress: {scheme: internal}\n")
	if _, err := readSample(internal, network); err == nil || !strings.Contains(err.Error(), "make demo HOSTS=process") {
		t.Errorf("nobody says that a load balancer with private addresses cannot be reached: %v", err)
	}
	if _, err := readSample(internal, fitted); err != nil {
		t.Errorf("where there is no network, private addresses are in nobody's way: %v", err)
	}
}

// TestMachinesAreOfThisArchitecture: an instance type has to be of the architecture that the sample is given.
func TestMachinesAreOfThisArchitecture(t *testing.T) {
	s, err := readSample(manifest(t, head+`spec:
  hosts: {architecture: arm64, instanceType: t4g.small}
  bastion: {enabled: true, instanceType: t4g.nano}
`), fitted)
	if err != nil {
		t.Fatal(err)
	}
	host, bastion := at(t, s, "spec", "hosts", "instanceType"), at(t, s, "spec", "bastion", "instanceType")
	if got := fmt.Sprint(host, " ", bastion); got != "t3.small t3.nano" {
		t.Errorf("the instance types are %s", got)
	}
	if len(s.notes) != 3 {
		t.Errorf("the notes are %q, want the release and two instance types", s.notes)
	}
}
