package secrets

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"time"

	"usermanagement.dev/stack/app/config"
	"usermanagement.dev/stack/internal/hostcontract"
)

// WaitForAppSecret is FillAppSecret, tried again until the bound while the secret cannot be fetched: a host that starts before
// its role is known waits, and does not fall over time and again. Told is called before each pause.
func WaitForAppSecret(ctx context.Context, cfg *config.Config, get Getter, bound time.Duration, told func(error)) error {
	ctx, cancel := context.WithTimeout(ctx, bound)
	defer cancel()
	for pause := 250 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		err := FillAppSecret(ctx, cfg, get)
		if err == nil || !errors.Is(err, ErrUnreachable) {
			return err
		}
		told(err)
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
	}
}

// FillAppSecret puts the fields of the app's secret into the settings, when they are kept in Secrets Manager.
func FillAppSecret(ctx context.Context, cfg *config.Config, get Getter) error {
	if cfg.AppSecretARN == "" {
		return nil
	}
	secret, err := readAppSecret(ctx, get, cfg.AppSecretARN)
	if err != nil {
		return err
	}
	cfg.SetupSecret, cfg.EncryptionKey = config.Secret(secret.SetupSecret), config.Secret(secret.EncryptionKey)
	for _, key := range secret.PreviousEncryptionKeys {
		cfg.PreviousKeys = append(cfg.PreviousKeys, config.Secret(key))
	}
	return nil
}

func readAppSecret(ctx context.Context, get Getter, arn string) (hostcontract.AppSecret, error) {
	var secret hostcontract.AppSecret
	if err := read(ctx, get, arn, &secret); err != nil {
		return secret, err
	}
	if err := config.CheckAppSecret(secret); err != nil {
		return secret, fmt.Errorf("the secret %s: %w", arn, err)
	}
	return secret, nil
}

// AppSecret is the app's secret in Secrets Manager, read again while the app runs: a rotation needs no restart.
type AppSecret struct {
	get  Getter
	arn  string
	take func(hostcontract.AppSecret) error

	mu     sync.Mutex
	known  hostcontract.AppSecret
	readAt time.Time
}

// NewAppSecret knows the secret as it was read at the start. A change is given to take.
func NewAppSecret(get Getter, arn string, known hostcontract.AppSecret, take func(hostcontract.AppSecret) error) *AppSecret {
	return &AppSecret{get: get, arn: arn, known: known, take: take}
}

// Refresh reads the secret, unless that was done a moment ago, and says whether it has changed. Whoever calls at the same
// time waits for the one reading. One that is not as it should be is not taken, and the present one stays in use.
func (s *AppSecret) Refresh(ctx context.Context) (changed bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Since(s.readAt) < refreshPause {
		return false, nil
	}
	secret, err := readAppSecret(ctx, s.get, s.arn)
	s.readAt = time.Now()
	if err != nil || reflect.DeepEqual(secret, s.known) {
		return false, err
	}
	if err := s.take(secret); err != nil {
		return false, fmt.Errorf("take over the secret %s: %w", s.arn, err)
	}
	s.known = secret
	return true, nil
}

// Follow refreshes in intervals until the context ends, and tells of each time.
func (s *AppSecret) Follow(ctx context.Context, every time.Duration, told func(changed bool, err error)) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			told(s.Refresh(ctx))
		}
	}
}
