package database

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"usermanagement.dev/stack/lab/internal/loopback"
	"usermanagement.dev/stack/lab/scratch"
)

// systemTables is where Debian keeps the statements that make the server's own tables.
const systemTables = "/usr/share/mysql"

// prepare chooses folder, port and password and initialises an empty data folder.
func (s *Server) prepare(ctx context.Context) error {
	program, err := findProgram("mariadbd")
	if err != nil {
		return err
	}
	s.program = program
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
	if err := s.bootstrap(ctx, unfinished); err != nil {
		return err
	}
	if err := os.Rename(unfinished, s.dataPath()); err != nil {
		return fmt.Errorf("put the database's folder in its place: %w", err)
	}
	return nil
}

// bootstrap makes the system tables the way mariadb-install-db does. That script is not used because it wants
// my_print_defaults, which Debian ships in another package.
func (s *Server) bootstrap(ctx context.Context, data string) error {
	var script strings.Builder
	script.WriteString("CREATE DATABASE mysql;\nUSE mysql;\nSET @auth_root_socket=NULL;\n")
	for _, name := range []string{"mysql_system_tables.sql", "mysql_performance_tables.sql", "mysql_system_tables_data.sql"} {
		text, err := os.ReadFile(filepath.Join(systemTables, name))
		if err != nil {
			return fmt.Errorf("read the server's own tables (%w): %w", err, ErrNotInstalled)
		}
		script.Write(text)
		script.WriteByte('\n')
	}
	flags := append([]string{
		"--no-defaults", "--bootstrap", "--datadir=" + data, "--tmpdir=" + s.tmpPath(), "--log-warnings=0", "--enforce-storage-engine=",
		"--loose-innodb-buffer-pool-size=32M", "--max-allowed-packet=8M", "--innodb-flush-method=nosync", "--innodb-log-file-size=16M",
	}, s.asRoot()...)
	cmd := exec.CommandContext(ctx, s.program, flags...) //nolint:gosec // found by findProgram
	cmd.Stdin = strings.NewReader(script.String())
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initialise the database's folder %s: %w: %s", data, err, lastLines(string(out), 5))
	}
	return nil
}

// asRoot is the flag without which the server refuses to run as root.
func (s *Server) asRoot() []string {
	if os.Geteuid() == 0 {
		return []string{"--user=root"}
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
	s.cmd = exec.Command(s.program, s.flags(opts)...) //nolint:gosec,noctx // outlives the start; Stop ends it
	s.cmd.Stdout, s.cmd.Stderr = log, log
	s.cmd.SysProcAttr = ownProcessGroup()
	if err := s.cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", s.program, err)
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
		flags = append(flags, "--innodb-flush-log-at-trx-commit=0", "--innodb-doublewrite=0", "--innodb-flush-method=nosync")
	}
	if opts.CertificateFile != "" {
		flags = append(flags, "--ssl-cert="+opts.CertificateFile, "--ssl-key="+opts.KeyFile)
	}
	return append(flags, s.asRoot()...)
}

func (s *Server) dataPath() string { return filepath.Join(s.dir, "data") }

func (s *Server) logPath() string { return filepath.Join(s.dir, "server.log") }

// tmpPath is for temporary tables: in the common folder, servers that start at once take each other's.
func (s *Server) tmpPath() string  { return filepath.Join(s.dir, "tmp") }
func (s *Server) initPath() string { return filepath.Join(s.dir, "init.sql") }

// writeInitFile makes the accounts at every start, so that the password never stands in the process's arguments.
func (s *Server) writeInitFile() error {
	script := strings.Join([]string{
		"CREATE OR REPLACE USER 'lab'@'127.0.0.1' IDENTIFIED BY '" + s.password + "';",
		"GRANT ALL ON *.* TO 'lab'@'127.0.0.1' WITH GRANT OPTION;",
		"CREATE OR REPLACE USER 'keeper'@'127.0.0.1' IDENTIFIED BY '" + s.password + "';",
		"GRANT ALL ON *.* TO 'keeper'@'127.0.0.1' WITH GRANT OPTION;",
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
