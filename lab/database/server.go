// Package database runs a real database server for a laboratory or a test run, in a folder of its own, on a loopback port,
// with nothing left behind: Debian's mariadb-server-core, which initialises in under a second, or a MySQL (MySQLVariable).
package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/go-sql-driver/mysql"

	"usermanagement.dev/stack/lab/scratch"
)

// startBound is how long a server may take to initialise and to answer.
const startBound = 60 * time.Second

// Options say how a server is run. The zero value is a server in a temporary folder on a free port.
type Options struct {
	// Engine is EngineMariaDB, or anything else for the one that MySQLVariable decides on.
	Engine string
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

// Server is a running MariaDB or MySQL. Its methods are safe to use from several goroutines.
type Server struct {
	engine    engine
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
	if err := s.prepare(ctx, opts.Engine); err != nil {
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
