package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"usermanagement.dev/stack/app/config"
	"usermanagement.dev/stack/app/migrations"
	"usermanagement.dev/stack/app/secrets"
	"usermanagement.dev/stack/app/server"
	"usermanagement.dev/stack/app/store"
)

type serveCommand struct{}

// Run serves until SIGTERM or SIGINT, then drains: /health says 503 while requests are still served, long enough for
// a load balancer to notice, then the listener closes and what is under way is finished.
func (serveCommand) Run(ctx context.Context) error {
	s, err := environment(ctx)
	if err != nil {
		return err
	}
	cfg, log := s.cfg, newLogger(s.cfg)
	db, err := store.Open(cfg, s.credentials)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	srv, err := server.New(cfg, version, db, log)
	if err != nil {
		return err
	}
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	s.followAppSecret(background, srv, log)
	var listen net.ListenConfig
	listener, err := listen.Listen(ctx, "tcp", cfg.Listen)
	if err != nil {
		return fmt.Errorf("%w on %s: %w", errNoListener, cfg.Listen, err)
	}
	failed := make(chan error, 2)
	go func() { failed <- srv.Serve(listener) }()
	if err := serveMetrics(ctx, cfg, srv, failed); err != nil {
		return err
	}
	go s.migrate(background, srv, log)
	go srv.CleanUp(background)
	log.Info("serving", "version", version, "listen", cfg.Listen, "public_url", cfg.PublicURL, "config", cfg)
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
		return drain(context.WithoutCancel(ctx), cfg, srv, log)
	}
}

// appSecretInterval is how often the app's secret is read again. AWS charges for 10,000 readings what a host then does in
// three and a half days.
const appSecretInterval = 30 * time.Second

// followAppSecret takes over a rotated secret: soon in any case, and at once when something does not fit the present one.
func (s *surroundings) followAppSecret(ctx context.Context, srv *server.Server, log *slog.Logger) {
	if s.secrets == nil || s.cfg.AppSecretARN == "" {
		return
	}
	secret := secrets.NewAppSecret(s.secrets, s.cfg.AppSecretARN, s.cfg.AppSecret(), srv.Keys().Replace)
	told := func(changed bool, err error) {
		switch {
		case err != nil && ctx.Err() == nil:
			log.Warn("the app's secret cannot be read again; the one in use stays", "error", err.Error())
		case changed:
			log.Info("the app's secret was rotated")
		}
	}
	srv.Keys().RefreshBy(func(ctx context.Context) { told(secret.Refresh(ctx)) })
	go secret.Follow(ctx, appSecretInterval, told)
}

// migrate tries until it succeeds: a database that is away at start is waited for, and so is whoever holds a table, with
// /health saying so meanwhile.
func (s *surroundings) migrate(ctx context.Context, srv *server.Server, log *slog.Logger) {
	pause := 250 * time.Millisecond
	for {
		applied, err := migrations.Run(ctx, s.cfg, s.credentials)
		if err == nil {
			srv.SchemaReady()
			log.Info("the database is ready", "migrations_applied", len(applied))
			return
		}
		log.Warn("the database is not ready; trying again", "pause", pause.String(), "error", err.Error())
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
			pause = min(2*pause, 5*time.Second)
		}
	}
}

func serveMetrics(ctx context.Context, cfg *config.Config, srv *server.Server, failed chan<- error) error {
	if cfg.MetricsListen == "" {
		return nil
	}
	var listen net.ListenConfig
	listener, err := listen.Listen(ctx, "tcp", cfg.MetricsListen)
	if err != nil {
		return fmt.Errorf("%w for metrics on %s: %w", errNoListener, cfg.MetricsListen, err)
	}
	metrics := &http.Server{Handler: srv.MetricsHandler(), ReadHeaderTimeout: 5 * time.Second, WriteTimeout: 15 * time.Second}
	go func() {
		if err := metrics.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			failed <- fmt.Errorf("serve metrics: %w", err)
		}
	}()
	return nil
}

func drain(ctx context.Context, cfg *config.Config, srv *server.Server, log *slog.Logger) error {
	srv.Drain()
	<-time.After(cfg.Drain)
	ctx, cancel := context.WithTimeout(ctx, cfg.ShutdownWait)
	defer cancel()
	err := srv.Shutdown(ctx)
	log.Info("stopped", "clean", err == nil)
	return err
}
