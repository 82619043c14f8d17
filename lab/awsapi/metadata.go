package awsapi

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"usermanagement.dev/stack/lab/cloud"
)

// Metadata is the metadata service of one instance. On EC2 it has the same address on each; on one machine each has its
// own.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html
type Metadata struct {
	accounts   *Accounts
	instanceID string
	socket     net.Listener
	server     *http.Server

	mu     sync.Mutex
	tokens map[string]time.Time // when each ends
}

const (
	metadataRoot     = "/latest/meta-data/"
	credentialsPath  = metadataRoot + "iam/security-credentials/"
	metadataTimeout  = 10 * time.Second
	maxTokenLife     = 21600                                  // seconds
	tokenHeader      = "X-Aws-Ec2-Metadata-Token"             //nolint:gosec // the name of a header
	tokenLifeHeader  = "X-Aws-Ec2-Metadata-Token-Ttl-Seconds" //nolint:gosec // the name of a header
	metadataVersions = "/latest/"
)

// ServeMetadata serves an instance's metadata on a port of its own, until Stop.
func (a *Accounts) ServeMetadata(instanceID string) (*Metadata, error) {
	var listen net.ListenConfig
	socket, err := listen.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("serve the metadata of %s: %w", instanceID, err)
	}
	return a.ServeMetadataAt(instanceID, socket), nil
}

// ServeMetadataAt serves an instance's metadata on a socket that only the instance can reach, until Stop.
func (a *Accounts) ServeMetadataAt(instanceID string, socket net.Listener) *Metadata {
	m := &Metadata{accounts: a, instanceID: instanceID, socket: socket, tokens: map[string]time.Time{}}
	m.server = &http.Server{Handler: m, ReadHeaderTimeout: metadataTimeout, ErrorLog: log.New(io.Discard, "", 0)}
	go m.server.Serve(socket) //nolint:errcheck // ends with the server
	return m
}

// URL is what AWS_EC2_METADATA_SERVICE_ENDPOINT takes.
func (m *Metadata) URL() string { return "http://" + m.socket.Addr().String() }

// Stop ends it.
func (m *Metadata) Stop() error { return m.server.Close() }

// ServeHTTP answers as the instance's metadata options say.
func (m *Metadata) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	instance, ok := m.accounts.cloud.Instance(m.instanceID)
	switch {
	case !ok || instance.Metadata.HTTPEndpoint == "disabled":
		http.Error(w, "the metadata service is disabled", http.StatusForbidden)
	case r.Method == http.MethodPut && r.URL.Path == "/latest/api/token":
		m.newToken(w, r)
	case r.Method != http.MethodGet:
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
	case instance.Metadata.HTTPTokens == "required" && !m.valid(r.Header.Get(tokenHeader)):
		http.Error(w, "a token is required", http.StatusUnauthorized)
	default:
		m.answer(w, r.URL.Path, instance)
	}
}

// newToken hands out a session token. A request that came through a proxy is refused, as EC2 does.
func (m *Metadata) newToken(w http.ResponseWriter, r *http.Request) {
	life, err := strconv.Atoi(r.Header.Get(tokenLifeHeader))
	switch {
	case r.Header.Get("X-Forwarded-For") != "":
		http.Error(w, "forbidden", http.StatusForbidden)
	case err != nil || life < 1 || life > maxTokenLife:
		http.Error(w, "the token's life is 1 to 21600 seconds", http.StatusBadRequest)
	default:
		token := random(56)
		m.mu.Lock()
		m.tokens[token] = time.Now().Add(time.Duration(life) * time.Second)
		m.mu.Unlock()
		w.Header().Set(tokenLifeHeader, strconv.Itoa(life))
		_, _ = io.WriteString(w, token)
	}
}

func (m *Metadata) valid(token string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	ends, ok := m.tokens[token]
	return ok && time.Now().Before(ends)
}

func (m *Metadata) answer(w http.ResponseWriter, path string, i cloud.Instance) {
	if role, ok := m.accounts.roleOf(i.ID); ok {
		switch path {
		case credentialsPath, strings.TrimSuffix(credentialsPath, "/"):
			_, _ = io.WriteString(w, role.Name)
			return
		case credentialsPath + role.Name:
			m.writeCredentials(w, role.Name)
			return
		}
	}
	text, ok := facts(i, m.accounts.cloud.Account())[strings.TrimPrefix(path, metadataVersions)]
	if !ok {
		http.NotFound(w, nil)
		return
	}
	_, _ = io.WriteString(w, text)
}

func (m *Metadata) writeCredentials(w http.ResponseWriter, role string) {
	c := m.accounts.lend(m.instanceID, role)
	w.Header().Set("Content-Type", "text/plain")
	writeJSON(w, map[string]string{
		"Code": "Success", "Type": "AWS-HMAC", "AccessKeyId": c.accessKeyID, "SecretAccessKey": c.secretAccessKey, "Token": c.token,
		"LastUpdated": c.updated.UTC().Format(time.RFC3339), "Expiration": c.expires.UTC().Format(time.RFC3339),
	})
}

// writeJSON writes a value that can be written; whoever has gone meanwhile needs no answer.
func writeJSON(w io.Writer, value any) {
	if err := json.NewEncoder(w).Encode(value); err != nil {
		return
	}
}

// facts are the paths below /latest/ that hosts ask for, and what they hold.
func facts(i cloud.Instance, account string) map[string]string {
	var identity strings.Builder
	writeJSON(&identity, map[string]string{
		"instanceId": i.ID, "imageId": i.ImageID, "instanceType": i.InstanceType, "region": i.Region, "availabilityZone": i.Zone,
		"privateIp": i.PrivateIP, "accountId": account, "version": "2017-09-30",
	})
	userData, _ := base64.StdEncoding.DecodeString(i.UserData) // RunInstances has checked it
	return map[string]string{
		"meta-data/instance-id": i.ID, "meta-data/ami-id": i.ImageID, "meta-data/instance-type": i.InstanceType,
		"meta-data/local-ipv4": i.PrivateIP, "meta-data/local-hostname": i.PrivateDNSName, "meta-data/hostname": i.PrivateDNSName,
		"meta-data/placement/availability-zone": i.Zone, "meta-data/placement/region": i.Region,
		"dynamic/instance-identity/document": identity.String(), "user-data": string(userData),
	}
}
