// Package server is the app's HTTP side: the table of routes, the checks before every one of them, the pages and the API.
// Fiber stands at the edge only: what the app decides, it decides in other packages.
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/gofiber/fiber/v2"
	recovery "github.com/gofiber/fiber/v2/middleware/recover"
	"github.com/uptrace/bun"

	"usermanagement.dev/stack/app/auth"
	"usermanagement.dev/stack/app/config"
	"usermanagement.dev/stack/app/password"
	"usermanagement.dev/stack/app/users"
	"usermanagement.dev/stack/app/web"
)

// Server is the app on one host.
type Server struct {
	cfg      *config.Config
	version  string
	log      *slog.Logger
	db       *bun.DB
	users    *users.Service
	sessions *auth.Sessions
	auth     *auth.Authenticator
	assets   *web.Assets
	metrics  *metrics
	mailer   mailer
	app      *fiber.App
	routes   []Route

	keys    *auth.Keys
	timeout time.Duration // of a request
	// mailBudget is how long the mails of one request may take.
	mailBudget time.Duration
	migrated   atomic.Bool
	draining   atomic.Bool
}

const (
	// bodyLimit is the most a request may carry: an import of 2 MiB and the form around it.
	bodyLimit = 2<<20 + 64<<10
	// requestTimeout bounds the work for a request; the database's own timeouts are within it.
	requestTimeout = 25 * time.Second
	// idleTimeout is longer than the 60 s after which an AWS load balancer drops an idle connection: the balancer must
	// be the one to close, or it sends a request into a connection that is just going away.
	idleTimeout = 75 * time.Second
)

// New builds the server. It needs no database yet: requests that do are answered 503 until SchemaReady is called.
func New(cfg *config.Config, version string, db *bun.DB, log *slog.Logger) (*Server, error) {
	cost, err := password.ParseParams(cfg.Argon2)
	if err != nil {
		return nil, err
	}
	keys, err := auth.NewKeys(cfg.AppSecret())
	if err != nil {
		return nil, err
	}
	assets, err := web.LoadAssets()
	if err != nil {
		return nil, fmt.Errorf("load the pages' files: %w", err)
	}
	mail, err := newMailer(cfg)
	if err != nil {
		return nil, err
	}
	s := &Server{
		cfg: cfg, version: version, log: log, db: db, assets: assets, metrics: newMetrics(db), mailer: mail, timeout: requestTimeout,
		mailBudget: mailBudget,
	}
	s.sessions = auth.NewSessions(db)
	policy := password.Policy{MinLength: cfg.PasswordMinLength, Context: []string{cfg.SiteName, cfg.PublicHost()}}
	if cfg.BreachURL != "" {
		policy.Breaches = password.NewBreaches(cfg.BreachURL, log)
	}
	s.users = users.New(db, s.sessions, password.NewHasher(cost), policy)
	s.auth = auth.NewAuthenticator(db, s.users, s.sessions, keys)
	s.keys = keys
	s.routes = s.Routes()
	s.app = s.newApp()
	return s, nil
}

// Auth is the server's authenticator, for the command line.
func (s *Server) Auth() *auth.Authenticator { return s.auth }

// Keys are what the app's secret is for; they may be replaced while the server serves.
func (s *Server) Keys() *auth.Keys { return s.keys }

// Users is the server's people, for the command line.
func (s *Server) Users() *users.Service { return s.users }

func (s *Server) newApp() *fiber.App {
	app := fiber.New(fiber.Config{
		AppName: "ums", BodyLimit: bodyLimit, ReadTimeout: 15 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: idleTimeout,
		ReadBufferSize: 16 << 10, DisableStartupMessage: true, Immutable: true, DisablePreParseMultipartForm: true, ErrorHandler: s.handleError,
		EnableTrustedProxyCheck: false, StrictRouting: true, CaseSensitive: true, Concurrency: 4096,
	})
	app.Use(s.observe, recovery.New(recovery.Config{EnableStackTrace: true, StackTraceHandler: s.reportPanic}), s.guardHost)
	for _, route := range s.routes {
		app.Add(route.Method, route.Path, s.enforce(route), route.Handler)
		if route.Method == fiber.MethodGet {
			app.Add(fiber.MethodHead, route.Path, s.enforce(route), route.Handler)
		}
	}
	app.Use(s.notFound)
	return app
}

// reportPanic keeps the place of a fault for whoever looks into the log; the client gets a page without it.
func (s *Server) reportPanic(c *fiber.Ctx, cause any) {
	s.log.Error("a handler panicked", "request_id", current(c).id, "cause", fmt.Sprint(cause), "stack", string(debug.Stack()))
}

// App is the Fiber application, for tests.
func (s *Server) App() *fiber.App { return s.app }

// SchemaReady says that the database has the schema that this binary needs.
func (s *Server) SchemaReady() { s.migrated.Store(true) }

// Serve answers requests until Shutdown. It returns nil after one.
func (s *Server) Serve(l net.Listener) error {
	if err := s.app.Listener(newQuietListener(l)); err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}

// Drain makes /health say 503 and answers close their connections, while requests are still served: the time that a
// load balancer needs to send requests elsewhere.
func (s *Server) Drain() {
	s.draining.Store(true)
	s.log.Info("draining: health says 503, requests are still served")
}

// Shutdown stops listening and waits for the requests under way.
func (s *Server) Shutdown(ctx context.Context) error {
	if err := s.app.ShutdownWithContext(ctx); err != nil {
		return fmt.Errorf("shut down: %w", err)
	}
	return nil
}
