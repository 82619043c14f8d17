// Package awsapi answers the AWS API calls that hosts make: instance metadata, from which the app's AWS SDK gets the
// credentials of the instance's role, and Secrets Manager, which checks their signature and the role's policies. It
// answers on loopback, from the model of the account.
package awsapi

import (
	"crypto/rand"
	"encoding/base64"
	"strings"
	"sync"
	"time"

	"usermanagement.dev/stack/lab/cloud"
)

// credentialLife is how long credentials of a role are good for.
const credentialLife = 6 * time.Hour

// credentials are those of a role, lent to an instance.
type credentials struct {
	accessKeyID, secretAccessKey, token string
	instanceID, roleName                string
	updated, expires                    time.Time
}

// Accounts hands out credentials and knows whose they are.
type Accounts struct {
	cloud *cloud.Cloud

	mu     sync.Mutex
	lent   map[string]credentials // by access key id
	newest map[string]string      // the access key id, by instance and role
}

// NewAccounts has handed out nothing yet.
func NewAccounts(c *cloud.Cloud) *Accounts {
	return &Accounts{cloud: c, lent: map[string]credentials{}, newest: map[string]string{}}
}

// roleOf is the role that an instance has now.
func (a *Accounts) roleOf(instanceID string) (cloud.Role, bool) {
	instance, ok := a.cloud.Instance(instanceID)
	if !ok || instance.ProfileARN == "" {
		return cloud.Role{}, false
	}
	for _, p := range a.cloud.InstanceProfiles() {
		if p.ARN == instance.ProfileARN {
			return a.role(p.RoleName)
		}
	}
	return cloud.Role{}, false
}

func (a *Accounts) role(name string) (cloud.Role, bool) {
	for _, r := range a.cloud.Roles() {
		if r.Name == name {
			return r, true
		}
	}
	return cloud.Role{}, false
}

// lend gives an instance credentials of its role; the same ones until they are half used up.
func (a *Accounts) lend(instanceID, roleName string) credentials {
	a.mu.Lock()
	defer a.mu.Unlock()
	key := instanceID + "/" + roleName
	if c, ok := a.lent[a.newest[key]]; ok && time.Until(c.expires) > credentialLife/2 {
		return c
	}
	now := time.Now().Truncate(time.Second)
	c := credentials{
		accessKeyID: "ASIA" + random(16), secretAccessKey: random(40), token: random(200),
		instanceID: instanceID, roleName: roleName, updated: now, expires: now.Add(credentialLife),
	}
	a.lent[c.accessKeyID], a.newest[key] = c, c.accessKeyID
	return c
}

// find is what was handed out under an access key id.
func (a *Accounts) find(accessKeyID string) (credentials, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	c, ok := a.lent[accessKeyID]
	return c, ok
}

// policies are the documents that say what a role may do.
func (a *Accounts) policies(r cloud.Role) []string {
	var documents []string
	for _, document := range r.InlinePolicies {
		documents = append(documents, document)
	}
	for _, p := range a.cloud.Policies() {
		for _, attached := range r.ManagedPolicies {
			if p.ARN == attached {
				documents = append(documents, p.Document())
			}
		}
	}
	return documents
}

// random is so many upper-case letters and digits.
func random(n int) string {
	raw := make([]byte, n)
	_, _ = rand.Read(raw) // crypto/rand.Read never fails: it ends the program instead
	text := strings.ToUpper(strings.NewReplacer("+", "A", "/", "B", "=", "C").Replace(base64.StdEncoding.EncodeToString(raw)))
	return text[:n]
}
