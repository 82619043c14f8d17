// Command appbench measures the web app beside a bare net/http server that asks the same database the same questions. It
// prints a table; it passes or fails nothing, because times depend on the machine and on what else it does.
package main

import (
	"context"
	"encoding/base64"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"usermanagement.dev/stack/internal/hostcontract"
	"usermanagement.dev/stack/lab/database"
	"usermanagement.dev/stack/lab/loopback"
)

func main() {
	binary := flag.String("app", "bin/app", "the app's binary")
	duration := flag.Duration("for", 4*time.Second, "how long each measurement takes")
	clients := flag.Int("clients", 16, "connections at once")
	bare := flag.String("bare", "", "serve the bare comparison on this address (used by the program itself)")
	sizes := flag.String("users", "1000,100000", "how many users to measure with, separated by commas")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	if *bare != "" {
		err = serveBare(ctx, *bare, os.Getenv(bareDSN))
	} else {
		err = run(ctx, *binary, *sizes, *duration, *clients)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "appbench:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop has been called
	}
}

// bareDSN names the variable that carries the database's address to the bare server: a process's arguments are public.
const bareDSN = "APPBENCH_DSN"

func run(ctx context.Context, binary, sizes string, duration time.Duration, clients int) error {
	db, err := database.Start(ctx, database.Options{})
	if err != nil {
		return err
	}
	defer func() { _ = db.Stop() }()
	say("%d processors, %d connections, %s each; MariaDB on the same machine\n\n", runtime.NumCPU(), clients, duration)
	say("| users | what | server | requests/s | p50 ms | p99 ms | CPU µs/request | RSS MiB | errors |\n")
	say("|---|---|---|---|---|---|---|---|---|\n")
	for text := range strings.SplitSeq(sizes, ",") {
		size, err := strconv.Atoi(text)
		if err != nil || size < signers {
			return fmt.Errorf("-users %q: want numbers of at least %d", sizes, signers)
		}
		if err := measure(ctx, db, binary, size, duration, clients); err != nil {
			return err
		}
	}
	return nil
}

func measure(ctx context.Context, db *database.Server, binary string, size int, duration time.Duration, clients int) error {
	name := fmt.Sprintf("bench%d", size)
	if err := db.CreateDatabase(ctx, name); err != nil {
		return err
	}
	app, err := prepare(ctx, db, binary, name, size)
	if err != nil {
		return err
	}
	defer app.stop()
	say("| %d | cold start to healthy: %.0f ms | app | | | | | %.0f | |\n",
		size, float64(app.coldStart.Microseconds())/1000, app.rss())
	bare, err := startBare(ctx, db.DSN(name))
	if err != nil {
		return err
	}
	defer bare.stop()
	api := map[string]string{"Authorization": "Bearer " + app.token}
	page := map[string]string{"Cookie": "__Host-sid=" + app.session}
	for _, m := range []struct {
		what    string
		server  *process
		path    string
		headers map[string]string
	}{
		{hostcontract.HealthPath, app.process, hostcontract.HealthPath, nil},
		{hostcontract.HealthPath, bare, hostcontract.HealthPath, nil},
		{"/api/users, 20 rows", app.process, "/api/users?size=20", api},
		{"/api/users, 20 rows", bare, "/api/users?size=20", api},
		{"list page, 25 rows", app.process, "/users", page},
	} {
		row(size, m.what, m.server, load(ctx, m.server, duration, clients, func(int) (*http.Request, error) {
			return request(ctx, http.MethodGet, m.server.url+m.path, nil, m.headers)
		}))
	}
	row(size, "login", app.process, load(ctx, app.process, duration, clients, app.login(ctx)))
	return nil
}

// say writes to the terminal, where a failure has nobody to be told to.
func say(format string, args ...any) { _, _ = fmt.Fprintf(os.Stdout, format, args...) }

// row writes a line of the table.
func row(size int, what string, p *process, r result) {
	say("| %d | %s | %s | %.0f | %.2f | %.2f | %.0f | %.0f | %d |\n",
		size, what, p.name, r.rate, r.p50, r.p99, r.cpu, p.rss(), r.errors)
}

// startApp runs the app's binary on a database and waits until it is healthy.
func startApp(ctx context.Context, binary, databaseURL string) (*process, error) {
	address, err := loopback.FreeAddress(ctx)
	if err != nil {
		return nil, err
	}
	return start(
		ctx,
		"app",
		"http://"+address,
		exec.CommandContext(ctx, binary, "serve"),
		map[string]string{
			hostcontract.EnvListen: address, hostcontract.EnvPublicURL: "http://" + address, hostcontract.EnvDatabaseURL: databaseURL,
			hostcontract.EnvSetupSecret: "appbench-appbench", hostcontract.EnvEncryptionKey: benchKey(), hostcontract.EnvDrain: "0s",
			hostcontract.EnvTrustedProxies: "127.0.0.0/8", "UMS_LOG_LEVEL": "error",
		},
	)
}

func benchKey() string {
	return base64.StdEncoding.EncodeToString([]byte("0123456789abcdef0123456789abcdef"))
}

func startBare(ctx context.Context, dsn string) (*process, error) {
	address, err := loopback.FreeAddress(ctx)
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	cmd := exec.CommandContext(ctx, self, "-bare", address) //nolint:gosec // this program
	return start(ctx, "bare net/http", "http://"+address, cmd, map[string]string{bareDSN: dsn})
}

func person(i int) string { return "person" + strconv.Itoa(i) }
