// Package config reads the app's settings from the environment, refuses what would be unsafe, and shows them without
// their secrets. Names that the operator writes stand in internal/hostcontract.
package config

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"

	"usermanagement.dev/stack/internal/hostcontract"
)

// Secret is a string that prints as a placeholder, so that no log line or dump can show it by accident.
type Secret string

const redacted = "[redacted]"

// String implements fmt.Stringer without giving the secret away.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return redacted
}

// LogValue implements slog.LogValuer.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText keeps the secret out of JSON.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Reveal is the secret itself, for the one place that needs it.
func (s Secret) Reveal() string { return string(s) }

// TLS modes of the database connection.
const (
	TLSVerify   = "verify"
	TLSDisabled = "disabled"
)

// Config is every setting of the app. The tags name the environment variables; README's reference is written from them.
type Config struct {
	Listen        string `env:"UMS_LISTEN" envDefault:"127.0.0.1:8080"`
	MetricsListen string `env:"UMS_METRICS_LISTEN"`
	PublicURL     string `env:"UMS_PUBLIC_URL" envDefault:"http://127.0.0.1:8080"`
	HostID        string `env:"UMS_HOST_ID"`
	Zone          string `env:"UMS_ZONE"`

	DatabaseURL       Secret `env:"UMS_DATABASE_URL"`
	DatabaseHost      string `env:"UMS_DATABASE_HOST"`
	DatabasePort      int    `env:"UMS_DATABASE_PORT" envDefault:"3306"`
	DatabaseName      string `env:"UMS_DATABASE_NAME" envDefault:"ums"`
	DatabaseSecretARN string `env:"UMS_DATABASE_SECRET_ARN"`
	DatabaseTLS       string `env:"UMS_DATABASE_TLS" envDefault:"verify"`
	DatabaseCAFile    string `env:"UMS_DATABASE_CA_FILE"`
	DatabaseConns     int    `env:"UMS_DATABASE_CONNECTIONS" envDefault:"16"`

	AppSecretARN  string   `env:"UMS_APP_SECRET_ARN"`
	SetupSecret   Secret   `env:"UMS_SETUP_SECRET"`
	EncryptionKey Secret   `env:"UMS_ENCRYPTION_KEY"`
	PreviousKeys  []Secret `env:"UMS_PREVIOUS_ENCRYPTION_KEYS"`
	AdminUsername string   `env:"UMS_ADMIN_USERNAME" envDefault:"admin"`
	AdminEmail    string   `env:"UMS_ADMIN_EMAIL"`

	TrustedProxies []netip.Prefix `env:"UMS_TRUSTED_PROXIES"`
	LogLevel       slog.Level     `env:"UMS_LOG_LEVEL" envDefault:"info"`
	Drain          time.Duration  `env:"UMS_DRAIN" envDefault:"20s"`
	ShutdownWait   time.Duration  `env:"UMS_SHUTDOWN_WAIT" envDefault:"10s"`

	PasswordMinLength int    `env:"UMS_PASSWORD_MIN_LENGTH" envDefault:"15"`
	BreachURL         string `env:"UMS_BREACH_URL"`
	DormantAfter      int    `env:"UMS_DORMANT_AFTER" envDefault:"0"` // days; 0 is off
	RequireAdminMFA   bool   `env:"UMS_REQUIRE_ADMIN_MFA" envDefault:"false"`
	Argon2            string `env:"UMS_ARGON2" envDefault:"m=19456,t=2,p=1"`
	SiteName          string `env:"UMS_SITE_NAME" envDefault:"User Management"`

	SMTPURL  Secret `env:"UMS_SMTP_URL"`
	SMTPFrom string `env:"UMS_SMTP_FROM"`
}

// FromEnvironment reads and checks the settings. Every problem is reported, not only the first.
func FromEnvironment() (*Config, error) { return Parse(env.ToMap(os.Environ())) }

// Parse reads the settings from a map.
func Parse(environment map[string]string) (*Config, error) {
	var c Config
	if err := env.ParseWithOptions(&c, env.Options{Environment: environment}); err != nil {
		return nil, fmt.Errorf("read the settings: %w", err)
	}
	if c.HostID == "" {
		c.HostID, _ = os.Hostname()
	}
	if err := c.validate(); err != nil {
		return nil, fmt.Errorf("settings: %w", err)
	}
	return &c, nil
}

func (c *Config) validate() error {
	errs := []error{c.validateURL(), c.validateDatabase(), c.validateSecrets()}
	if c.PasswordMinLength < 12 || c.PasswordMinLength > 64 {
		errs = append(errs, fmt.Errorf("UMS_PASSWORD_MIN_LENGTH is %d: choose 12 to 64", c.PasswordMinLength))
	}
	if c.DormantAfter != 0 && (c.DormantAfter < 30 || c.DormantAfter > 3650) {
		errs = append(errs, fmt.Errorf("UMS_DORMANT_AFTER is %d days: choose 30 to 3650, or 0 for no policy", c.DormantAfter))
	}
	if c.DatabaseConns < 2 || c.DatabaseConns > 500 {
		errs = append(errs, fmt.Errorf("UMS_DATABASE_CONNECTIONS is %d: choose 2 to 500", c.DatabaseConns))
	}
	if c.MetricsListen != "" && c.MetricsListen == c.Listen {
		errs = append(errs, errors.New("UMS_METRICS_LISTEN is the same as UMS_LISTEN: metrics must not be public"))
	}
	if c.Drain < 0 || c.Drain > 5*time.Minute {
		errs = append(errs, fmt.Errorf("UMS_DRAIN is %s: choose 0s to 5m", c.Drain))
	}
	if c.BreachURL != "" && !isSafeURL(c.BreachURL) {
		errs = append(errs, fmt.Errorf("UMS_BREACH_URL %q: want an https:// address, such as https://api.pwnedpasswords.com/range/", c.BreachURL))
	}
	if (c.SMTPURL == "") != (c.SMTPFrom == "") {
		errs = append(errs, errors.New("UMS_SMTP_URL and UMS_SMTP_FROM belong together: set both or none"))
	}
	return errors.Join(errs...)
}

func (c *Config) validateURL() error {
	u, err := url.Parse(c.PublicURL)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || strings.Trim(u.Path, "/") != "" {
		return fmt.Errorf("UMS_PUBLIC_URL %q: want http:// or https:// and a host, with no path", c.PublicURL)
	}
	c.PublicURL = u.Scheme + "://" + strings.ToLower(u.Host)
	return nil
}

func (c *Config) validateDatabase() error {
	if c.DatabaseURL != "" {
		return nil // its form is checked where it is taken apart
	}
	var errs []error
	if c.DatabaseHost == "" || c.DatabaseSecretARN == "" {
		errs = append(errs, errors.New("no database: set UMS_DATABASE_URL, or UMS_DATABASE_HOST and UMS_DATABASE_SECRET_ARN"))
	}
	if !slices.Contains([]string{TLSVerify, TLSDisabled}, c.DatabaseTLS) {
		errs = append(errs, fmt.Errorf("UMS_DATABASE_TLS is %q: choose verify or disabled", c.DatabaseTLS))
	}
	if c.DatabaseTLS == TLSDisabled && c.DatabaseHost != "" && !isLoopback(c.DatabaseHost) {
		errs = append(
			errs,
			fmt.Errorf("UMS_DATABASE_TLS=disabled with %s: without TLS only a loopback database is allowed", c.DatabaseHost),
		)
	}
	return errors.Join(errs...)
}

func (c *Config) validateSecrets() error {
	if c.AppSecretARN != "" {
		return nil // checked once it has been read
	}
	return CheckAppSecret(c.AppSecret())
}

// AppSecret is the app's secret as the settings have it, given directly or filled in from where it is kept.
func (c *Config) AppSecret() hostcontract.AppSecret {
	secret := hostcontract.AppSecret{SetupSecret: c.SetupSecret.Reveal(), EncryptionKey: c.EncryptionKey.Reveal()}
	for _, key := range c.PreviousKeys {
		secret.PreviousEncryptionKeys = append(secret.PreviousEncryptionKeys, key.Reveal())
	}
	return secret
}

// MinSetupSecret is the shortest setup secret that is accepted, in characters.
const MinSetupSecret = 16

// CheckAppSecret says what is wrong with the app's secret, without repeating any of it.
func CheckAppSecret(s hostcontract.AppSecret) error {
	var errs []error
	if s.SetupSecret != "" && len(s.SetupSecret) < MinSetupSecret {
		errs = append(
			errs,
			fmt.Errorf("the setup secret has %d characters: use at least %d random ones", len(s.SetupSecret), MinSetupSecret),
		)
	}
	errs = append(errs, checkKey("the encryption key", s.EncryptionKey))
	for i, key := range s.PreviousEncryptionKeys {
		errs = append(errs, checkKey(fmt.Sprintf("the previous encryption key %d", i+1), key))
	}
	return errors.Join(errs...)
}

func checkKey(what, text string) error {
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(key) != 32 {
		return fmt.Errorf("%s is not 32 bytes in base64: make one with `openssl rand -base64 32`", what)
	}
	if bytes.Count(key, key[:1]) == len(key) {
		return fmt.Errorf("%s is one byte repeated: make a random one with `openssl rand -base64 32`", what)
	}
	return nil
}

// isSafeURL says whether what goes to the address cannot be read on its way.
func isSafeURL(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Host != "" && (u.Scheme == "https" || isLoopback(u.Hostname()))
}

// HTTPS says whether people reach the app over TLS.
func (c *Config) HTTPS() bool { return strings.HasPrefix(c.PublicURL, "https://") }

// PublicHost is the host, with a port if it has one, that people type.
func (c *Config) PublicHost() string {
	_, host, _ := strings.Cut(c.PublicURL, "://")
	return host
}

// SecureCookies says whether browsers will send Secure cookies: over TLS, and to the local machine.
func (c *Config) SecureCookies() bool {
	host := c.PublicHost()
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return c.HTTPS() || isLoopback(host)
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && addr.IsLoopback()
}
