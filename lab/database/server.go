// Package database runs a real MariaDB for a laboratory or a test run: Debian's mariadb-server-core, in a folder of its
// own, on a loopback port, with nothing left behind. Initialising takes under a second and starting less.
package database

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/go-sql-driver/mysql"

	"usermanagement.dev/stack/lab/scratch"
)

// ErrNotInstalled says that there is no MariaDB server on this machine, and what to do.
var ErrNotInstalled = errors.New(
	"no MariaDB server found: run `make prerequisites` (Debian package mariadb-server-core)")

// startBound is how long a server may take to initialise and to answer.
const startBound = 60 * time.Second

// Options say how a server is run. The zero value is a server in a temporary folder on a free port.
type Options struct {
	// Dir is where the data lives; it is created, and kept by Stop. Empty means a temporary folder, removed by Stop.
	Dir string
	// Port on 127.0.0.1; zero means a free one.
	Port int
	// MaxConnections limits clients; zero means 400.
	MaxConnections int
	// CertificateFile and KeyFile, both PEM, let clients use TLS; empty means without.
	CertificateFile, KeyFile string
	// Durable keeps the flushing that a crash of the machine would need. Tests do without.
	Durable bool
}

// Server is a running MariaDB. Its methods are safe to use from several goroutines.
type Server struct {
	program   string
	dir       string
	temporary *scratch.Folder // nil if the folder is somebody's own
	port      int
	password  string
	cmd       *exec.Cmd
	exited    chan struct{}
	admin     *sql.DB
	databases atomic.Int64
}

// Start initialises the folder if it is empty, starts the server and waits until it answers.
// The context bounds the start only; Stop ends the server.
func Start(ctx context.Context, opts Options) (*Server, error) {
	ctx, cancel := context.WithTimeout(ctx, startBound)
	defer cancel()
	s := &Server{dir: opts.Dir, port: opts.Port, exited: make(chan struct{})}
	if err := s.prepare(ctx); err != nil {
		return nil, errors.Join(err, s.temporary.Remove())
	}
	if err := s.launch(ctx, opts); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

// Port is the loopback port the server listens on.
func (s *Server) Port() int { return s.port }

// Username and Password are an account that may do everything.
func (s *Server) Username() string { return "lab" }

// Password is random for every start.
func (s *Server) Password() string { return s.password }

// URL is the address of a database for the app's UMS_DATABASE_URL.
func (s *Server) URL(name string) string {
	return fmt.Sprintf("mysql://%s:%s@127.0.0.1:%d/%s", s.Username(), s.password, s.port, name)
}

// DSN is the address of a database for go-sql-driver/mysql.
func (s *Server) DSN(name string) string {
	cfg := mysql.NewConfig()
	cfg.Net, cfg.Addr = "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port))
	cfg.User, cfg.Passwd, cfg.DBName = s.Username(), s.password, name
	cfg.ParseTime, cfg.InterpolateParams = true, true
	cfg.Params = map[string]string{"time_zone": "'+00:00'"}
	return cfg.FormatDSN()
}

var identifier = regexp.MustCompile(`^[A-Za-z0-9_]{1,64}$`)

// CreateDatabase makes a database if it is not there. Names are letters, digits and underscores.
func (s *Server) CreateDatabase(ctx context.Context, name string) error {
	if !identifier.MatchString(name) {
		return fmt.Errorf("database name %q: only letters, digits and underscores", name)
	}
	_, err := s.admin.ExecContext(ctx, "CREATE DATABASE IF NOT EXISTS `"+name+"` CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci")
	if err != nil {
		return fmt.Errorf("create database %s: %w", name, err)
	}
	return nil
}

// NewDatabase makes an empty database with a name of its own and returns the name.
func (s *Server) NewDatabase(ctx context.Context) (string, error) {
	name := fmt.Sprintf("t%d_%d", os.Getpid(), s.databases.Add(1))
	return name, s.CreateDatabase(ctx, name)
}

// SetPassword changes the account's password, as a rotation by Secrets Manager does. Open connections stay open.
func (s *Server) SetPassword(ctx context.Context, password string) error {
	if _, err := s.admin.ExecContext(ctx, "SET PASSWORD FOR 'lab'@'127.0.0.1' = PASSWORD(?)", password); err != nil {
		return fmt.Errorf("change the password of the lab account: %w", err)
	}
	s.password = password
	return nil
}

// SetClock stops the clock, at the given time, of every connection that is opened from now on by an account that AddAccount
// made. The server's own accounts go on by the machine's clock.
func (s *Server) SetClock(ctx context.Context, at time.Time) error {
	statement := fmt.Sprintf("SET GLOBAL init_connect = 'SET timestamp = %d'", at.Unix())
	if _, err := s.admin.ExecContext(ctx, statement); err != nil {
		return fmt.Errorf("set the database's clock: %w", err)
	}
	return nil
}

// KillConnections ends every client connection but the server's own, as a failover does.
func (s *Server) KillConnections(ctx context.Context) error {
	return s.KillAccount(ctx, s.Username())
}

// KillAccount ends every connection of an account.
func (s *Server) KillAccount(ctx context.Context, name string) error {
	if !identifier.MatchString(name) {
		return fmt.Errorf("account name %q: only letters, digits and underscores", name)
	}
	if _, err := s.admin.ExecContext(ctx, "KILL USER '"+name+"'@'127.0.0.1'"); err != nil &&
		!errors.Is(err, mysql.ErrInvalidConn) && !isInterrupted(err) {
		return fmt.Errorf("end the connections of %s: %w", name, err)
	}
	return nil
}

func isInterrupted(err error) bool {
	var my *mysql.MySQLError
	return errors.As(err, &my) && (my.Number == 1317 || my.Number == 1927)
}

// Pause stops the process without ending it: connections hang, as with a network that drops packets. Resume undoes it.
// When it returns, no thread runs any more: a signal alone leaves them some time, on a busy machine a long one.
func (s *Server) Pause() error {
	if err := s.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		return fmt.Errorf("stop the database's process: %w", err)
	}
	return s.awaitStopped()
}

// Resume lets a paused server go on.
func (s *Server) Resume() error { return s.cmd.Process.Signal(syscall.SIGCONT) }

// Stop ends the server and removes its folder if it was temporary. It may be called more than once.
func (s *Server) Stop() error {
	if s.admin != nil {
		_ = s.admin.Close()
	}
	if s.cmd != nil && s.cmd.Process != nil {
		_ = s.cmd.Process.Signal(syscall.SIGCONT)
		_ = s.cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-s.exited:
		case <-time.After(15 * time.Second):
			_ = s.cmd.Process.Kill()
			<-s.exited
		}
	}
	return s.temporary.Remove()
}

func randomPassword() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // crypto/rand.Read never fails: it ends the program instead
	return hex.EncodeToString(b)
}

// findProgram looks in PATH and where Debian puts servers, which an unprivileged PATH lacks.
func findProgram(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	for _, dir := range []string{"/usr/sbin", "/usr/bin", "/usr/local/sbin"} {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); err == nil && info.Mode()&0o111 != 0 {
			return path, nil
		}
	}
	return "", ErrNotInstalled
}

// AddAccount makes another account that may do everything with data, under a name and password of the caller's.
func (s *Server) AddAccount(ctx context.Context, name, password string) error {
	return s.addAccount(ctx, name, password, "")
}

// AddTLSAccount makes an account, or gives the one of that name another password, that may do everything and is let in
// with TLS only. Open connections stay open.
func (s *Server) AddTLSAccount(ctx context.Context, name, password string) error {
	return s.addAccount(ctx, name, password, " REQUIRE SSL")
}

func (s *Server) addAccount(ctx context.Context, name, password, requirement string) error {
	if !identifier.MatchString(name) {
		return fmt.Errorf("account name %q: only letters, digits and underscores", name)
	}
	account := "'" + name + "'@'127.0.0.1'"
	for _, statement := range []struct {
		text string
		args []any
	}{
		{text: "CREATE USER IF NOT EXISTS " + account},
		{text: "ALTER USER " + account + " IDENTIFIED BY ?" + requirement, args: []any{password}},
		{text: "GRANT ALL ON *.* TO " + account},
		// SetClock and limits of connections spare who has these.
		{text: "REVOKE SUPER, CONNECTION ADMIN ON *.* FROM " + account},
	} {
		if _, err := s.admin.ExecContext(ctx, statement.text, statement.args...); err != nil {
			return fmt.Errorf("add the account %s: %w", name, err)
		}
	}
	return nil
}
