package database

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"usermanagement.dev/stack/lab/loopback"
	"usermanagement.dev/stack/lab/scratch"
)

// prepare chooses folder, port and password and initialises an empty data folder.
func (s *Server) prepare(ctx context.Context, engine string) error {
	var err error
	if s.engine, err = findEngine(engine); err != nil {
		return err
	}
	if s.dir == "" {
		if s.temporary, err = scratch.New("database"); err != nil {
			return err
		}
		s.dir = s.temporary.Path
	} else if s.dir, err = filepath.Abs(s.dir); err != nil {
		return fmt.Errorf("resolve the database's folder: %w", err)
	}
	if s.port == 0 {
		if s.port, err = loopback.FreePort(ctx); err != nil {
			return err
		}
	}
	s.password = randomPassword()
	if _, err := os.Stat(s.dataPath()); err == nil {
		return nil
	}
	return s.initialise(ctx)
}

// initialise fills the data folder beside its place and moves it there when it is whole, so that a start after one
// that was cut off does not take half a database for a database.
func (s *Server) initialise(ctx context.Context) error {
	unfinished := s.dataPath() + ".unfinished"
	if err := os.RemoveAll(unfinished); err != nil {
		return fmt.Errorf("remove a database that was not finished: %w", err)
	}
	for _, dir := range []string{unfinished, s.tmpPath()} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("make the database's folder: %w", err)
		}
	}
	if err := s.engine.bootstrap(ctx, unfinished, s.tmpPath()); err != nil {
		return err
	}
	if err := os.Rename(unfinished, s.dataPath()); err != nil {
		return fmt.Errorf("put the database's folder in its place: %w", err)
	}
	return nil
}

// runBootstrap runs a server that makes its own tables and ends.
func runBootstrap(cmd *exec.Cmd, data string) error {
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initialise the database's folder %s: %w: %s", data, err, lastLines(string(out), 5))
	}
	return nil
}

// launch starts the server and waits until the lab account can sign in.
func (s *Server) launch(ctx context.Context, opts Options) error {
	if err := s.writeInitFile(); err != nil {
		return err
	}
	log, err := os.Create(s.logPath())
	if err != nil {
		return fmt.Errorf("make the database's log: %w", err)
	}
	defer func() { _ = log.Close() }()
	s.cmd = s.engine.command(context.Background(), s.flags(opts)...) // outlives the start; Stop ends it
	s.cmd.Stdout, s.cmd.Stderr = log, log
	s.cmd.SysProcAttr = ownProcessGroup()
	if err := s.cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", s.cmd.Path, err)
	}
	go func() {
		_ = s.cmd.Wait()
		close(s.exited)
	}()
	return s.waitReady(ctx)
}

func (s *Server) flags(opts Options) []string {
	maxConnections := opts.MaxConnections
	if maxConnections == 0 {
		maxConnections = 400
	}
	flags := []string{
		"--no-defaults", "--datadir=" + s.dataPath(), "--tmpdir=" + s.tmpPath(), "--bind-address=127.0.0.1",
		"--port=" + strconv.Itoa(s.port),
		"--socket=s.sock", // below the data folder: of a whole path, the system takes 107 bytes
		"--pid-file=" + filepath.Join(s.dir, "pid"), "--init-file=" + s.initPath(), "--skip-name-resolve",
		"--skip-log-bin", "--character-set-server=utf8mb4", "--collation-server=utf8mb4_unicode_ci",
		"--innodb-buffer-pool-size=64M", "--performance-schema=OFF", "--max-connections=" + strconv.Itoa(maxConnections),
		"--sql-mode=STRICT_ALL_TABLES,ONLY_FULL_GROUP_BY,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO",
	}
	if !opts.Durable {
		flags = append(flags, unflushed()...)
	}
	if opts.CertificateFile != "" {
		flags = append(flags, "--ssl-cert="+opts.CertificateFile, "--ssl-key="+opts.KeyFile)
	}
	return slices.Concat(flags, s.engine.flags(), asRoot())
}

func (s *Server) dataPath() string { return filepath.Join(s.dir, "data") }

func (s *Server) logPath() string { return filepath.Join(s.dir, "server.log") }

// tmpPath is for temporary tables: in the common folder, servers that start at once take each other's.
func (s *Server) tmpPath() string  { return filepath.Join(s.dir, "tmp") }
func (s *Server) initPath() string { return filepath.Join(s.dir, "init.sql") }

// writeInitFile makes the accounts at every start, so that the password never stands in the process's arguments.
func (s *Server) writeInitFile() error {
	account := func(name string) string {
		name = "'" + name + "'@'127.0.0.1'"
		return "CREATE USER IF NOT EXISTS " + name + ";\nALTER USER " + name + " IDENTIFIED BY '" + s.password + "';\n" +
			"GRANT ALL ON *.* TO " + name + " WITH GRANT OPTION;"
	}
	script := strings.Join([]string{
		account("lab"), account("keeper"),
		"ALTER USER root@localhost IDENTIFIED BY '" + s.password + "';", "",
	}, "\n")
	if err := os.WriteFile(s.initPath(), []byte(script), 0o600); err != nil {
		return fmt.Errorf("write the database's first statements: %w", err)
	}
	return nil
}

func (s *Server) waitReady(ctx context.Context) error {
	// The keeper account is the server's own, so that tests can change or cut off the lab account.
	dsn := strings.Replace(s.DSN(""), "lab:", "keeper:", 1)
	admin, err := sql.Open("mysql", dsn)
	if err != nil {
		return fmt.Errorf("open the database: %w", err)
	}
	s.admin = admin
	admin.SetMaxOpenConns(2)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if err = admin.PingContext(ctx); err == nil {
			return nil
		}
		select {
		case <-s.exited:
			return fmt.Errorf("the database ended while starting: %s", s.logTail())
		case <-ctx.Done():
			return fmt.Errorf("the database did not answer within %s: %w: %s", startBound, err, s.logTail())
		case <-tick.C:
		}
	}
}

func (s *Server) logTail() string {
	data, err := os.ReadFile(s.logPath())
	if err != nil {
		return err.Error()
	}
	return lastLines(string(data), 8)
}

func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

func randomPassword() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // crypto/rand.Read never fails: it ends the program instead
	return hex.EncodeToString(b)
}
