package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/go-sql-driver/mysql"
)

// ErrNotInstalled says that there is no MariaDB server on this machine, and what to do.
var ErrNotInstalled = errors.New(
	"no MariaDB server found: run `make prerequisites` (Debian package mariadb-server-core)")

// systemTables is where Debian keeps the statements that make the server's own tables.
const systemTables = "/usr/share/mysql"

// mariaDB is the server of Debian's package mariadb-server-core.
type mariaDB struct{ program string }

func findMariaDB() (engine, error) {
	program, err := findProgram("mariadbd")
	return mariaDB{program: program}, err
}

func (m mariaDB) command(ctx context.Context, flags ...string) *exec.Cmd {
	return exec.CommandContext(ctx, m.program, flags...) //nolint:gosec // found by findProgram
}

// bootstrap does what mariadb-install-db does. That script is not used because it wants my_print_defaults, which Debian
// ships in another package.
func (m mariaDB) bootstrap(ctx context.Context, data, tmp string) error {
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
	cmd := m.command(ctx, append([]string{
		"--no-defaults", "--bootstrap", "--datadir=" + data, "--tmpdir=" + tmp, "--log-warnings=0", "--enforce-storage-engine=",
		"--loose-innodb-buffer-pool-size=32M", "--max-allowed-packet=8M", "--innodb-flush-method=nosync", "--innodb-log-file-size=16M",
	}, asRoot()...)...)
	cmd.Stdin = strings.NewReader(script.String())
	return runBootstrap(cmd, data)
}

func (mariaDB) flags() []string { return nil }

func (mariaDB) connectionPrivilege() string { return "CONNECTION ADMIN" }

func (mariaDB) kill(ctx context.Context, admin *sql.DB, account string) error {
	_, err := admin.ExecContext(ctx, "KILL USER '"+account+"'@'127.0.0.1'")
	if errors.Is(err, mysql.ErrInvalidConn) || isNumber(err, 1317, 1927) { // it ended its own
		return nil
	}
	return err
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
