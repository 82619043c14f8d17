// Package secrets reads the app's secrets from AWS Secrets Manager with the host's role, and follows their rotation.
// The SDK's own variables apply, AWS_ENDPOINT_URL among them, so a laboratory can stand in for AWS.
package secrets

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"usermanagement.dev/stack/app/store"
	"usermanagement.dev/stack/internal/hostcontract"
)

// Getter fetches the text of a secret.
type Getter interface {
	Get(ctx context.Context, arn string) (string, error)
}

// Manager is AWS Secrets Manager.
type Manager struct{ client *secretsmanager.Client }

// NewManager uses the SDK's chain of credentials: on a host, its instance profile.
func NewManager(ctx context.Context) (*Manager, error) {
	cfg, err := awsconfig.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, fmt.Errorf("configure the AWS client: %w", err)
	}
	return &Manager{client: secretsmanager.NewFromConfig(cfg)}, nil
}

// Get implements Getter.
func (m *Manager) Get(ctx context.Context, arn string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	out, err := m.client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &arn})
	if err != nil {
		return "", fmt.Errorf("read the secret %s: %w: %w", arn, ErrUnreachable, err)
	}
	if out.SecretString == nil {
		return "", fmt.Errorf("read the secret %s: it holds no text", arn)
	}
	return *out.SecretString, nil
}

// ErrUnreachable says that Secrets Manager did not give a secret. Soon after an instance starts, its role may not be known
// everywhere yet, so a refusal too may pass.
var ErrUnreachable = errors.New("no answer from Secrets Manager")

func read(ctx context.Context, get Getter, arn string, into any) error {
	text, err := get.Get(ctx, arn)
	if err != nil {
		return err
	}
	if json.Unmarshal([]byte(text), into) != nil { // the error could quote the secret
		return fmt.Errorf("the secret %s is not the JSON object it should be", arn)
	}
	return nil
}

// refreshPause keeps an account that stays refused from turning every request into a call to AWS.
const refreshPause = 3 * time.Second

// DatabaseAccount is the account of the database, kept in memory and read again when the database refuses it.
type DatabaseAccount struct {
	get Getter
	arn string

	inVain atomic.Bool // the last reading brought nothing new, and the account has not been accepted since

	mu      sync.Mutex
	known   store.Credentials
	readAt  time.Time
	lastErr error
}

// NewDatabaseAccount reads nothing yet.
func NewDatabaseAccount(get Getter, arn string) *DatabaseAccount {
	return &DatabaseAccount{get: get, arn: arn}
}

// Credentials implements store.CredentialSource.
func (a *DatabaseAccount) Credentials(ctx context.Context) (store.Credentials, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.known != (store.Credentials{}) {
		return a.known, nil
	}
	return a.read(ctx)
}

// Refresh implements store.CredentialSource.
func (a *DatabaseAccount) Refresh(ctx context.Context) (store.Credentials, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.read(ctx)
}

// Accepted implements store.CredentialSource. It waits for nobody who reads.
func (a *DatabaseAccount) Accepted() { a.inVain.Store(false) }

func (a *DatabaseAccount) read(ctx context.Context) (store.Credentials, error) {
	if a.inVain.Load() && time.Since(a.readAt) < refreshPause {
		return a.known, a.lastErr
	}
	var secret hostcontract.DatabaseSecret
	err := read(ctx, a.get, a.arn, &secret)
	a.readAt = time.Now()
	if err != nil {
		a.inVain.Store(true)
		a.lastErr = fmt.Errorf("%w: %w", store.ErrNoCredentials, err)
		return a.known, a.lastErr
	}
	a.inVain.Store(store.Credentials(secret) == a.known)
	a.known, a.lastErr = store.Credentials(secret), nil
	return a.known, nil
}
