// Command appdev runs the web app for trying it: a MariaDB of its own in a temporary folder, people to look at, loopback
// only, and a one-time link for setting up the first administrator. Everything is gone when it ends.
package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"usermanagement.dev/stack/app/config"
	"usermanagement.dev/stack/app/migrations"
	"usermanagement.dev/stack/app/store"
	"usermanagement.dev/stack/internal/hostcontract"
	"usermanagement.dev/stack/lab/database"
)

func main() {
	binary := flag.String("app", "bin/app", "the app's binary")
	port := flag.Int("port", hostcontract.DefaultPort, "port on 127.0.0.1")
	people := flag.Int("people", 240, "how many people to make up")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *binary, *port, *people); err != nil && ctx.Err() == nil {
		fmt.Fprintln(os.Stderr, "app-dev:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop has been called
	}
}

func run(ctx context.Context, binary string, port, people int) (err error) {
	db, err := database.Start(ctx, database.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Stop()) }()
	if err := db.CreateDatabase(ctx, "ums"); err != nil {
		return err
	}
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	secret := rand.Text()
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	environment := map[string]string{
		hostcontract.EnvListen: address, hostcontract.EnvPublicURL: "http://" + address, hostcontract.EnvDatabaseURL: db.URL("ums"),
		hostcontract.EnvSetupSecret: secret, hostcontract.EnvEncryptionKey: base64.StdEncoding.EncodeToString(key),
		hostcontract.EnvAdminUsername: "admin", hostcontract.EnvAdminEmail: "admin@example.org", hostcontract.EnvHostID: "dev",
		hostcontract.EnvZone: "local", hostcontract.EnvDrain: "0s",
	}
	if err := seed(ctx, environment, people); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, binary, "serve")
	cmd.Env = os.Environ()
	for name, value := range environment {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 15 * time.Second
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", binary, err)
	}
	if err := waitHealthy(ctx, "http://"+address+hostcontract.HealthPath); err != nil {
		return errors.Join(err, cmd.Cancel(), cmd.Wait())
	}
	_, _ = fmt.Fprintf(os.Stdout,
		"\n  The app:            http://%s\n  Set it up, once:    http://%s/setup#%s\n  Stop with Ctrl-C; nothing is kept.\n\n",
		address,
		address,
		secret,
	)
	return cmd.Wait()
}

func seed(ctx context.Context, environment map[string]string, people int) error {
	cfg, err := config.Parse(environment)
	if err != nil {
		return err
	}
	db, err := store.Open(cfg, nil)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	if _, err := migrations.Run(ctx, cfg, nil); err != nil {
		return err
	}
	return makePeople(ctx, db, people)
}

func waitHealthy(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return fmt.Errorf("ask %s: %w", url, err)
		}
		if res, err := http.DefaultClient.Do(req); err == nil {
			_ = res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the app did not become healthy at %s: is the port free?", url)
		case <-tick.C:
		}
	}
}
