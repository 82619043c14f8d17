package awsapi_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/smithy-go"

	"usermanagement.dev/stack/lab/awsapi"
	"usermanagement.dev/stack/lab/cloud"
	"usermanagement.dev/stack/lab/cloud/cloudtest"
)

const region = "us-east-2"

// world is an instance with a role that may read one of two secrets, and the API that it sees.
type world struct {
	*cloud.Client
	t           *testing.T
	own, others string // ARNs of secrets
	role        string
	metadata    *awsapi.Metadata
	api         *httptest.Server
}

func newWorld(t *testing.T) *world {
	t.Helper()
	c := cloud.New(cloud.Options{})
	t.Cleanup(c.Close)
	w := &world{Client: c.Client(cloud.Caller{Region: region}), t: t, role: "host"}
	ctx := t.Context()
	w.own = cloudtest.Must[cloud.Secret](t)(w.CreateSecret(ctx, cloud.CreateSecretInput{Name: "own", Value: "sesame"})).ARN
	w.others = cloudtest.Must[cloud.Secret](t)(w.CreateSecret(ctx, cloud.CreateSecretInput{Name: "others", Value: "private"})).ARN
	cloudtest.Must[cloud.Role](t)(w.CreateRole(ctx, cloud.CreateRoleInput{Name: w.role, TrustPolicy: `{"Version":"2012-10-17","Statement":[` +
		`{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}`}))
	w.policy("Allow", w.own)
	profile := cloudtest.Must[cloud.InstanceProfile](t)(w.CreateInstanceProfile(ctx, "host", "", nil))
	if err := w.AddRoleToInstanceProfile(ctx, "host", w.role); err != nil {
		t.Fatal(err)
	}
	vpc := cloudtest.Must[cloud.VPC](t)(w.CreateVPC(ctx, cloud.CreateVPCInput{CIDRBlock: "10.0.0.0/16"})).ID
	subnet := cloudtest.Must[cloud.Subnet](t)(w.CreateSubnet(ctx, cloud.CreateSubnetInput{
		VPCID: vpc, CIDRBlock: "10.0.1.0/24", Zone: region + "a",
	})).ID
	instance := cloudtest.Must[cloud.Instance](t)(w.RunInstance(ctx, cloud.RunInstanceInput{
		ImageID: "ami-0123456789abcdef0", InstanceType: "t3.micro", SubnetID: subnet, ProfileARN: profile.ARN,
		Metadata: cloud.MetadataOptions{HTTPTokens: "required"},
	})).ID
	accounts := awsapi.NewAccounts(c)
	w.metadata = cloudtest.Must[*awsapi.Metadata](t)(accounts.ServeMetadata(instance))
	w.api = httptest.NewServer(accounts.SecretsManager())
	t.Cleanup(func() {
		w.api.Close()
		if err := w.metadata.Stop(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// policy is what the role may, or may not, do with a secret.
func (w *world) policy(effect, arn string) {
	w.t.Helper()
	document := `{"Version":"2012-10-17","Statement":[{"Effect":"` + effect + `","Action":["secretsmanager:Get*"],` +
		`"Resource":["` + arn + `"]}]}`
	if err := w.PutRolePolicy(w.t.Context(), w.role, "read-"+effect, document); err != nil {
		w.t.Fatal(err)
	}
}

// read is what the app does: the SDK finds its credentials at the metadata service by itself, unless it is given some.
func (w *world) read(id string, given aws.CredentialsProvider) (string, error) {
	w.t.Helper()
	w.t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", w.metadata.URL())
	w.t.Setenv("AWS_EC2_METADATA_DISABLED", "")
	for _, name := range []string{
		"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_ENDPOINT_URL",
	} {
		w.t.Setenv(name, "")
	}
	w.t.Setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
	w.t.Setenv("AWS_CONFIG_FILE", "/dev/null")
	config := cloudtest.Must[aws.Config](w.t)(awsconfig.LoadDefaultConfig(w.t.Context(), awsconfig.WithRegion(region)))
	if given != nil {
		config.Credentials = given
	}
	client := secretsmanager.NewFromConfig(config, func(o *secretsmanager.Options) { o.BaseEndpoint = &w.api.URL })
	out, err := client.GetSecretValue(w.t.Context(), &secretsmanager.GetSecretValueInput{SecretId: &id})
	if err != nil {
		return "", err
	}
	return *out.SecretString, nil
}

func (w *world) refused(what, code string, err error) {
	w.t.Helper()
	var refused smithy.APIError
	if !errors.As(err, &refused) || refused.ErrorCode() != code {
		w.t.Errorf("%s: got %v, want %s", what, err, code)
	}
}

func TestTheRoleDecidesWhatAHostMayRead(t *testing.T) {
	w := newWorld(t)
	if got, err := w.read(w.own, nil); err != nil || got != "sesame" {
		t.Fatalf("its own secret: %q, %v", got, err)
	}
	if got, err := w.read("own", nil); err != nil || got != "sesame" {
		t.Errorf("its own secret by name: %q, %v", got, err)
	}
	_, err := w.read(w.others, nil)
	w.refused("another's secret", "AccessDeniedException", err)
	if !strings.Contains(err.Error(), "is not authorized to perform: secretsmanager:GetSecretValue on resource: "+w.others) {
		t.Errorf("the refusal is %v", err)
	}
	w.policy("Deny", w.own)
	_, err = w.read(w.own, nil)
	w.refused("a secret that is denied", "AccessDeniedException", err)
}

func TestOnlyCredentialsThatWereLentAreGood(t *testing.T) {
	w := newWorld(t)
	role := w.lent()
	for code, c := range map[string]aws.Credentials{
		"UnrecognizedClientException": {AccessKeyID: "ASIAUNKNOWN", SecretAccessKey: "x", SessionToken: "y"},
		"InvalidSignatureException":   {AccessKeyID: role.AccessKeyID, SecretAccessKey: "guessed", SessionToken: role.SessionToken},
	} {
		_, err := w.read(w.own, credentials.StaticCredentialsProvider{Value: c})
		w.refused("other credentials", code, err)
	}
	_, err := w.read(w.own, credentials.StaticCredentialsProvider{Value: aws.Credentials{
		AccessKeyID: role.AccessKeyID, SecretAccessKey: role.SecretAccessKey, SessionToken: "another",
	}})
	w.refused("another session", "UnrecognizedClientException", err)
}

// lent are the credentials that the instance has.
func (w *world) lent() aws.Credentials {
	w.t.Helper()
	w.t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", w.metadata.URL())
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"} {
		w.t.Setenv(name, "")
	}
	config := cloudtest.Must[aws.Config](w.t)(awsconfig.LoadDefaultConfig(w.t.Context(), awsconfig.WithRegion(region)))
	return cloudtest.Must[aws.Credentials](w.t)(config.Credentials.Retrieve(w.t.Context()))
}

func TestMetadataWantsAToken(t *testing.T) {
	w := newWorld(t)
	const path = "/latest/meta-data/instance-id"
	if status, _ := w.ask(http.MethodGet, path, nil); status != http.StatusUnauthorized {
		t.Errorf("without a token: %d", status)
	}
	if status, _ := w.ask(http.MethodPut, "/latest/api/token", map[string]string{
		"X-aws-ec2-metadata-token-ttl-seconds": "60", "X-Forwarded-For": "198.51.100.1",
	}); status != http.StatusForbidden {
		t.Errorf("a token through a proxy: %d", status)
	}
	_, token := w.ask(http.MethodPut, "/latest/api/token", map[string]string{"X-aws-ec2-metadata-token-ttl-seconds": "60"})
	with := map[string]string{"X-aws-ec2-metadata-token": token}
	if status, id := w.ask(http.MethodGet, path, with); status != http.StatusOK || !strings.HasPrefix(id, "i-") {
		t.Errorf("with a token: %d %q", status, id)
	}
	if status, _ := w.ask(http.MethodGet, "/latest/meta-data/nothing", with); status != http.StatusNotFound {
		t.Errorf("what there is not: %d", status)
	}
}

func (w *world) ask(method, path string, header map[string]string) (status int, body string) {
	w.t.Helper()
	r := cloudtest.Must[*http.Request](w.t)(http.NewRequestWithContext(context.Background(), method, w.metadata.URL()+path, http.NoBody))
	for name, value := range header {
		r.Header.Set(name, value)
	}
	response := cloudtest.Must[*http.Response](w.t)(http.DefaultClient.Do(r)) //nolint:bodyclose // in the next line
	defer func() { _ = response.Body.Close() }()
	return response.StatusCode, string(cloudtest.Must[[]byte](w.t)(io.ReadAll(response.Body)))
}
