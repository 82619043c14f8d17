// Command app is the web app for user administration. One binary: `app serve` runs it, the other commands look after
// it. Settings come from the environment; `app config` shows them.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
	"github.com/uptrace/bun"

	"usermanagement.dev/stack/app/audit"
	"usermanagement.dev/stack/app/config"
	"usermanagement.dev/stack/app/migrations"
	"usermanagement.dev/stack/app/secrets"
	"usermanagement.dev/stack/app/store"
	"usermanagement.dev/stack/internal/hostcontract"
)

// version is set when a release is built: -ldflags "-X main.version=1.4.0".
var version = "dev"

type commands struct {
	Serve       serveCommand       `cmd:"" default:"1" help:"Run the web app; without a command, this one."`
	Migrate     migrateCommand     `cmd:"" help:"Bring the database's schema up to date and end."`
	User        userCommands       `cmd:"" help:"Look after accounts from the command line."`
	Audit       auditCommands      `cmd:"" help:"Look after the audit log."`
	Healthcheck healthcheckCommand `cmd:"" help:"Ask the app on this host for its health; ends with 0 if it is well."`
	Config      configCommand      `cmd:"" help:"Show the settings, without their secrets."`
	Version     versionCommand     `cmd:"" help:"Show the version."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	var cli commands
	parsed := kong.Parse(&cli, kong.Name("app"), kong.Description("User administration."), kong.UsageOnError(),
		kong.BindTo(ctx, (*context.Context)(nil)))
	if err := parsed.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "app:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop has been called
	}
}

func newLogger(cfg *config.Config) *slog.Logger {
	return slog.New(slog.NewJSONHandler(os.Stdout, &slog.HandlerOptions{Level: cfg.LogLevel})).With("host", cfg.HostID)
}

// secretsBound is how long a start waits for Secrets Manager before it gives up.
const secretsBound = 2 * time.Minute

// surroundings are what a command gets from outside.
type surroundings struct {
	cfg *config.Config
	// credentials are the database's; nil where the settings have them.
	credentials store.CredentialSource
	// secrets is where secrets are kept; nil where the settings have all of them.
	secrets secrets.Getter
}

// environment reads the settings, and the secrets that they name.
func environment(ctx context.Context) (*surroundings, error) {
	cfg, err := config.FromEnvironment()
	if err != nil {
		return nil, err
	}
	if cfg.AppSecretARN == "" && cfg.DatabaseSecretARN == "" {
		return &surroundings{cfg: cfg}, nil
	}
	manager, err := secrets.NewManager(ctx)
	if err != nil {
		return nil, err
	}
	log := newLogger(cfg)
	err = secrets.WaitForAppSecret(ctx, cfg, manager, secretsBound, func(err error) {
		log.Warn("the app's secret cannot be read yet; trying again", "error", err.Error())
	})
	if err != nil {
		return nil, err
	}
	s := &surroundings{cfg: cfg, secrets: manager}
	if cfg.DatabaseURL == "" && cfg.DatabaseSecretARN != "" {
		s.credentials = secrets.NewDatabaseAccount(manager, cfg.DatabaseSecretARN)
	}
	return s, nil
}

// withDatabase runs one command on a database that has its schema.
func withDatabase(ctx context.Context, fn func(ctx context.Context, cfg *config.Config, db *bun.DB) error) error {
	s, err := environment(ctx)
	if err != nil {
		return err
	}
	db, err := store.Open(s.cfg, s.credentials)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	if _, err := migrations.Run(ctx, s.cfg, s.credentials); err != nil {
		return err
	}
	return fn(ctx, s.cfg, db)
}

type migrateCommand struct{}

// Run migrates and says what was done.
func (migrateCommand) Run(ctx context.Context) error {
	s, err := environment(ctx)
	if err != nil {
		return err
	}
	applied, err := migrations.Run(ctx, s.cfg, s.credentials)
	if err != nil {
		return err
	}
	fmt.Printf("%d migrations applied %v\n", len(applied), applied)
	return nil
}

type auditCommands struct {
	Verify auditVerifyCommand `cmd:"" help:"Check that no entry of the audit log was changed, removed or put in between."`
}

type auditVerifyCommand struct{}

// Run reads the whole log.
func (auditVerifyCommand) Run(ctx context.Context) error {
	return withDatabase(ctx, func(ctx context.Context, _ *config.Config, db *bun.DB) error {
		n, err := audit.Verify(ctx, db)
		if err != nil {
			return fmt.Errorf("after %d good entries: %w", n, err)
		}
		fmt.Printf("the audit log is whole: %d entries\n", n)
		return nil
	})
}

type healthcheckCommand struct {
	Timeout time.Duration `default:"5s" help:"How long to wait."`
}

// Run asks /health on UMS_LISTEN.
func (h healthcheckCommand) Run(ctx context.Context) error {
	listen := os.Getenv(hostcontract.EnvListen)
	if listen == "" {
		listen = fmt.Sprintf("127.0.0.1:%d", hostcontract.DefaultPort)
	}
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return fmt.Errorf("%s %q: %w", hostcontract.EnvListen, listen, err)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	ctx, cancel := context.WithTimeout(ctx, h.Timeout)
	defer cancel()
	address := "http://" + net.JoinHostPort(host, port) + hostcontract.HealthPath
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil) //nolint:gosec // the host's own setting
	if err != nil {
		return fmt.Errorf("ask for the health: %w", err)
	}
	res, err := http.DefaultClient.Do(req) //nolint:gosec // the host's own setting
	if err != nil {
		return fmt.Errorf("ask for the health: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	var doc hostcontract.Health
	if err := json.NewDecoder(res.Body).Decode(&doc); err != nil {
		return fmt.Errorf("read the health: %w", err)
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("the app is %s: %v", doc.Status, doc.Checks)
	}
	fmt.Println("ok")
	return nil
}

type configCommand struct{}

// Run shows the settings as JSON.
func (configCommand) Run() error {
	cfg, err := config.FromEnvironment()
	if err != nil {
		return err
	}
	out := json.NewEncoder(os.Stdout)
	out.SetIndent("", "  ")
	return out.Encode(cfg)
}

type versionCommand struct{}

// Run shows the version.
func (versionCommand) Run() error {
	_, err := fmt.Println(version)
	return err
}

var errNoListener = errors.New("cannot listen")
