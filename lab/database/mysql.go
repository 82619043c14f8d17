package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"github.com/go-sql-driver/mysql"
)

// mySQL is a MySQL whose packages were unpacked into a folder, with the C library that it was made for: that of the
// machine may be older.
type mySQL struct{ root string }

func findMySQL(folder string) (engine, error) {
	root, err := filepath.Abs(folder)
	if err != nil {
		return nil, fmt.Errorf("resolve the folder of MySQL: %w", err)
	}
	m := mySQL{root: root}
	for _, path := range []string{m.program(), m.loader()} {
		if _, err := os.Stat(path); err != nil {
			return nil, fmt.Errorf("%s=%s is not an unpacked MySQL (hack/mysql.sh makes one): %w", MySQLVariable, folder, err)
		}
	}
	return m, nil
}

func (m mySQL) program() string { return filepath.Join(m.root, "usr", "sbin", "mysqld") }

func (m mySQL) libraries() string { return filepath.Join(m.root, "usr", "lib", "x86_64-linux-gnu") }

func (m mySQL) loader() string { return filepath.Join(m.libraries(), "ld-linux-x86-64.so.2") }

func (m mySQL) command(ctx context.Context, flags ...string) *exec.Cmd {
	args := append([]string{"--library-path", m.libraries(), m.program()}, flags...)
	return exec.CommandContext(ctx, m.loader(), args...) //nolint:gosec // found by findMySQL
}

func (m mySQL) bootstrap(ctx context.Context, data, tmp string) error {
	cmd := m.command(ctx, slices.Concat([]string{
		"--no-defaults", "--initialize-insecure", "--datadir=" + data, "--tmpdir=" + tmp, "--innodb-redo-log-capacity=64M",
	}, m.flags(), unflushed(), asRoot())...)
	return runBootstrap(cmd, data)
}

// flags name what a package's scripts would have set up, and keep the server from making a certificate that nobody asked
// for and from listening for another protocol.
func (m mySQL) flags() []string {
	return []string{
		"--basedir=" + filepath.Join(m.root, "usr"), "--secure-file-priv=NULL", "--mysqlx=OFF", "--auto-generate-certs=OFF",
	}
}

func (mySQL) connectionPrivilege() string { return "CONNECTION_ADMIN" }

func (mySQL) kill(ctx context.Context, admin *sql.DB, account string) error {
	rows, err := admin.QueryContext(ctx, "SELECT ID FROM information_schema.processlist WHERE USER = ?", account)
	if err != nil {
		return fmt.Errorf("list connections: %w", err)
	}
	defer rows.Close() //nolint:errcheck // Err tells
	var ids []int64
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return fmt.Errorf("list connections: %w", err)
		}
		ids = append(ids, id)
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("list connections: %w", err)
	}
	for _, id := range ids {
		const noSuchThread = 1094
		if _, err := admin.ExecContext(ctx, fmt.Sprintf("KILL %d", id)); err != nil && !isNumber(err, noSuchThread) {
			return fmt.Errorf("end connection %d: %w", id, err)
		}
	}
	return nil
}

// isNumber says whether an error is one of the server's, with one of these numbers.
func isNumber(err error, numbers ...uint16) bool {
	my, ok := errors.AsType[*mysql.MySQLError](err)
	return ok && slices.Contains(numbers, my.Number)
}
