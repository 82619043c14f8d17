package build

import (
	"encoding/json"
	"strings"

	iam "github.com/aws-controllers-k8s/iam-controller/apis/v1alpha1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/internal/ack"
	"usermanagement.dev/stack/internal/ack/secretsmanager"
	"usermanagement.dev/stack/internal/graph"
)

// identity adds what a host is, to AWS, and the app's secret, which it may read. The bastion has no role: it is a way
// through and needs no permission, and a machine that faces the internet shall have none.
func (a *assembly) identity() {
	a.appSecret()
	a.hostRole()
	a.hostProfile()
}

// LackOfAppSecret is the field of the Output that the app secret's node misses while its Kubernetes Secret is not there.
const LackOfAppSecret = "kubernetes-secret" //nolint:gosec // a name

// appSecret adds the secret in Secrets Manager. ACK reads the Kubernetes Secret once and does not watch it; the hash in
// the description is the spec change that makes it look again.
func (a *assembly) appSecret() {
	n := a.Node(NodeAppSecret, v1.ComponentSecurity)
	if a.in.AppSecretHash == "" {
		n.Lack(LackOfAppSecret)
	}
	a.set(n, ack.Secret, &secretsmanager.Secret{Spec: secretsmanager.SecretSpec{
		Name:         a.awsName(n.ID(), maxSecretName),
		Description:  "What the app of stack " + a.stack.Name + secretContent + a.in.AppSecretHash,
		SecretString: &secretsmanager.SecretKeyReference{Name: AppSecretName(a.stack), Key: AppSecretKey},
		Tags: tagList(a, n.ID(), func(key, value string) secretsmanager.Tag {
			return secretsmanager.Tag{Key: key, Value: value}
		}),
	}})
}

// secretContent stands before the hash in the description.
const secretContent = " keeps secret, content "

// AppSecretHash is the hash that an app secret's object was made with, for whoever may not read the Kubernetes Secret;
// empty if there is none in it.
func AppSecretHash(secret *unstructured.Unstructured) string {
	description, _, _ := unstructured.NestedString(secret.Object, "spec", "description")
	_, hash, _ := strings.Cut(description, secretContent)
	return hash
}

// hostRole adds the hosts' role, which may read two secrets and nothing else.
func (a *assembly) hostRole() {
	n := a.Node(NodeHostRole, v1.ComponentSecurity)
	secrets := []string{n.Value(NodeDatabase, ack.OutputMasterSecretARN), n.Value(NodeAppSecret, ack.OutputARN)}
	a.set(n, ack.Role, &iam.Role{Spec: iam.RoleSpec{
		Name:        new(a.iamName(n.ID(), maxRoleName)),
		Description: new("App hosts of stack " + a.stack.Name + ": may read their two secrets"),
		AssumeRolePolicyDocument: new(a.policy(statement{
			Effect: "Allow", Principal: &principal{Service: "ec2.amazonaws.com"}, Action: []string{"sts:AssumeRole"},
		})),
		InlinePolicies: map[string]*string{"read-secrets": new(a.policy(statement{
			Effect:   "Allow",
			Action:   []string{"secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"},
			Resource: secrets,
		}))},
		Tags: a.iamTags(n),
	}})
}

// hostProfile adds the instance profile. It waits for the whole role, so that no host ever starts with less.
func (a *assembly) hostProfile() {
	n := a.Node(NodeHostProfile, v1.ComponentSecurity)
	n.After(NodeHostRole)
	a.set(n, ack.InstanceProfile, &iam.InstanceProfile{Spec: iam.InstanceProfileSpec{
		Name: new(a.iamName(n.ID(), maxProfileName)),
		Role: new(a.iamName(NodeHostRole, maxRoleName)),
		Tags: a.iamTags(n),
	}})
}

func (a *assembly) iamTags(n *graph.NodeBuilder) []*iam.Tag {
	return tagList(a, n.ID(), func(key, value string) *iam.Tag { return &iam.Tag{Key: &key, Value: &value} })
}

// statement is a statement of an IAM policy document, its keys in the order in which IAM's own documents have them.
type statement struct {
	Effect    string     `json:"Effect"`
	Principal *principal `json:"Principal,omitempty"`
	Action    []string   `json:"Action"`
	Resource  []string   `json:"Resource,omitempty"`
}

type principal struct {
	Service string `json:"Service"`
}

// policy is a policy document with one statement. ACK compares inline policies as text, so its bytes must be the same
// each time.
func (a *assembly) policy(s statement) string {
	document, err := json.Marshal(struct {
		Version   string      `json:"Version"`
		Statement []statement `json:"Statement"`
	}{"2012-10-17", []statement{s}})
	a.Fail(err)
	return string(document)
}
