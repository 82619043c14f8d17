package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"usermanagement.dev/stack/internal/hostcontract"
	"usermanagement.dev/stack/lab/loopback/loopbacktest"
)

// secretsManager is AWS Secrets Manager as the app sees it, over HTTP.
type secretsManager struct {
	*httptest.Server
	mu      sync.Mutex
	secrets map[string]string
	denied  bool
	asked   int
}

func newSecretsManager(t *testing.T) *secretsManager {
	t.Helper()
	m := &secretsManager{secrets: map[string]string{}}
	m.Server = httptest.NewServer(m)
	t.Cleanup(m.Close)
	return m
}

func (m *secretsManager) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asked++
	var in struct{ SecretId string } //nolint:revive // AWS's own spelling
	err := json.NewDecoder(io.LimitReader(r.Body, 1<<16)).Decode(&in)
	text, known := m.secrets[in.SecretId]
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	if err != nil || !known || m.denied || r.Header.Get("X-Amz-Target") != "secretsmanager.GetSecretValue" ||
		!strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 ") {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"__type":"AccessDeniedException","Message":"not authorized"}`)
		return
	}
	answer := map[string]string{"ARN": in.SecretId, "Name": "x", "SecretString": text}
	if err := json.NewEncoder(w).Encode(answer); err != nil {
		panic(err)
	}
}

func (m *secretsManager) put(arn string, secret any) {
	text, err := json.Marshal(secret)
	if err != nil {
		panic(err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.secrets[arn], m.denied = string(text), false
}

func (m *secretsManager) requests() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.asked
}

// waitFor waits until a condition holds, with a bound.
func waitFor(t *testing.T, what string, holds func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 40*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-ctx.Done():
			t.Fatalf("in vain: %s", what)
		case <-tick.C:
		}
	}
}

// TestAHostOnAWSWaitsForItsRoleAndFollowsARotation runs the app as it runs on an instance: no secret in its environment.
// Secrets Manager refuses at first, as it does while a new role spreads; later the database's password changes.
func TestAHostOnAWSWaitsForItsRoleAndFollowsARotation(t *testing.T) {
	ctx := context.Background()
	db := startDatabase(t, 0)
	aws := newSecretsManager(t)
	listen := loopbacktest.Address(t)
	cmd := app(t, "", listen, "serve")
	cmd.Env = []string{
		runAsApp + "=1", hostcontract.EnvListen + "=" + listen, hostcontract.EnvPublicURL + "=http://" + listen,
		hostcontract.EnvDatabaseHost + "=127.0.0.1", hostcontract.EnvDatabasePort + "=" + strconv.Itoa(db.Port()),
		hostcontract.EnvDatabaseName + "=ums",
		hostcontract.EnvDatabaseTLS + "=disabled", hostcontract.EnvDatabaseSecretARN + "=arn:db", hostcontract.EnvAppSecretARN + "=arn:app",
		"AWS_REGION=eu-central-1", "AWS_ENDPOINT_URL=" + aws.URL, "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test",
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the app asks again after a refusal", func() bool { return aws.requests() >= 2 })
	aws.put("arn:db", hostcontract.DatabaseSecret{Username: db.Username(), Password: db.Password()})
	aws.put("arn:app", hostcontract.AppSecret{SetupSecret: "canary-setup-secret", EncryptionKey: testKey})
	waitHealth(t, listen, http.StatusOK, hostcontract.StatusOK)
	if err := db.SetPassword(ctx, "rotated-password"); err != nil {
		t.Fatal(err)
	}
	if err := db.KillConnections(ctx); err != nil {
		t.Fatal(err)
	}
	waitHealth(t, listen, http.StatusServiceUnavailable, hostcontract.StatusFailing)
	aws.put("arn:db", hostcontract.DatabaseSecret{Username: db.Username(), Password: "rotated-password"})
	waitHealth(t, listen, http.StatusOK, hostcontract.StatusOK)
}

// TestNoRequestFailsWhileAHostDrains asks all the time, over connections that are kept open as a load balancer's are.
func TestNoRequestFailsWhileAHostDrains(t *testing.T) {
	db := startDatabase(t, 0)
	listen := loopbacktest.Address(t)
	cmd := app(t, db.URL("ums"), listen, "serve")
	cmd.Env = append(cmd.Env, hostcontract.EnvDrain+"=5s")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	waitHealth(t, listen, http.StatusOK, hostcontract.StatusOK)
	var wg sync.WaitGroup
	var mu sync.Mutex
	var served, broken int
	stop := make(chan struct{})
	for range 4 {
		wg.Go(func() {
			client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1}, Timeout: 10 * time.Second}
			for {
				select {
				case <-stop:
					return
				default:
				}
				ok := askOnce(client, "http://"+listen+"/login")
				mu.Lock()
				if ok {
					served++
				} else {
					broken++
				}
				mu.Unlock()
			}
		})
	}
	waitFor(t, "requests are served", func() bool { mu.Lock(); defer mu.Unlock(); return served > 50 })
	if err := cmd.Process.Signal(terminate); err != nil {
		t.Fatal(err)
	}
	waitHealth(t, listen, http.StatusServiceUnavailable, hostcontract.StatusDraining)
	mu.Lock()
	before := served
	mu.Unlock()
	waitFor(t, "requests are served while draining", func() bool { mu.Lock(); defer mu.Unlock(); return served > before+20 })
	close(stop) // by now a load balancer has gone elsewhere
	wg.Wait()
	if err := cmd.Wait(); err != nil {
		t.Errorf("the app ended with %v", err)
	}
	if broken > 0 {
		t.Errorf("%d of %d requests were broken off", broken, served+broken)
	}
}

// askOnce says whether a page came whole.
func askOnce(client *http.Client, url string) bool {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	res, err := client.Do(req)
	if err != nil {
		return false
	}
	defer func() { _ = res.Body.Close() }()
	_, err = io.Copy(io.Discard, res.Body)
	return err == nil && res.StatusCode == http.StatusOK
}
