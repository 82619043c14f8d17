package awsapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"usermanagement.dev/stack/lab/cloud"
)

// apiError is how the AWS JSON protocol says that a call was refused.
// https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html
type apiError struct{ code, message string }

const (
	secretsService = "secretsmanager"
	// maxRequest is more than any call needs.
	maxRequest = 64 << 10
	getValue   = "GetSecretValue"
)

// SecretsManager is the API of Secrets Manager, of which hosts use one action.
func (a *Accounts) SecretsManager() http.Handler { return http.HandlerFunc(a.serveSecrets) }

func (a *Accounts) serveSecrets(w http.ResponseWriter, r *http.Request) {
	answer, refused := a.secretsCall(r)
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	if refused != nil {
		w.WriteHeader(http.StatusBadRequest)
		answer = map[string]any{"__type": refused.code, "Message": refused.message}
	}
	writeJSON(w, answer)
}

func (a *Accounts) secretsCall(r *http.Request) (map[string]any, *apiError) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequest))
	if err != nil || r.Method != http.MethodPost {
		return nil, &apiError{"SerializationException", "a call is a POST with a JSON object"}
	}
	c, auth, refused := a.authenticate(r, body, secretsService)
	if refused != nil {
		return nil, refused
	}
	if target := r.Header.Get("X-Amz-Target"); target != secretsService+"."+getValue {
		return nil, &apiError{"UnknownOperationException", fmt.Sprintf("the lab does not know %q", target)}
	}
	var in struct{ SecretId string } //nolint:revive // AWS's spelling
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, &apiError{"SerializationException", err.Error()}
	}
	if refused := a.authorize(c, secretsService+":"+getValue, a.secretARN(in.SecretId)); refused != nil {
		return nil, refused
	}
	client := a.cloud.Client(cloud.Caller{Region: auth.region, Owner: cloud.Owner{Kind: "Host", Name: c.instanceID}})
	value, version, err := client.GetSecretValue(r.Context(), in.SecretId)
	if err != nil {
		return nil, asAPIError(err)
	}
	return map[string]any{
		"ARN": a.secretARN(in.SecretId), "Name": a.secretName(in.SecretId), "VersionId": version, "SecretString": value,
		"VersionStages": []string{"AWSCURRENT"}, "CreatedDate": float64(time.Now().Unix()),
	}, nil
}

func asAPIError(err error) *apiError {
	if refused, ok := errors.AsType[*cloud.APIError](err); ok {
		return &apiError{refused.Code, refused.Message}
	}
	return &apiError{"InternalServiceError", err.Error()}
}

// authorize asks the policies of the role that the caller has now.
func (a *Accounts) authorize(c credentials, action, resource string) *apiError {
	role, ok := a.role(c.roleName)
	may := false
	why := "because no identity-based policy allows the " + action + " action"
	if ok {
		var err error
		if may, err = allowed(a.policies(role), action, resource); err != nil {
			why = "because " + err.Error()
		}
	}
	if may {
		return nil
	}
	return &apiError{"AccessDeniedException", fmt.Sprintf("User: arn:aws:sts::%s:assumed-role/%s/%s is not authorized to perform: "+
		"%s on resource: %s %s", a.cloud.Account(), c.roleName, c.instanceID, action, resource, why)}
}

// secretARN is the ARN of a secret that may be given by name.
func (a *Accounts) secretARN(id string) string {
	if s, ok := a.secret(id); ok {
		return s.ARN
	}
	return id
}

func (a *Accounts) secretName(id string) string {
	s, _ := a.secret(id)
	return s.Name
}

func (a *Accounts) secret(id string) (cloud.Secret, bool) {
	for _, s := range a.cloud.Secrets() {
		if s.ARN == id || s.Name == id {
			return s, true
		}
	}
	return cloud.Secret{}, false
}
