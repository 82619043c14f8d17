package database

import (
	"context"
	"database/sql"
	"os"
	"os/exec"
)

// MySQLVariable names the environment variable that holds a folder with an unpacked MySQL: Debian's packages
// mysql-server-core and what it needs, as hack/mysql.sh lays them out. Where it is set, servers are MySQL unless they are
// asked to be MariaDB; otherwise they are the MariaDB that is installed on this machine, which is close enough to try with.
const MySQLVariable = "UMS_LAB_MYSQL"

// EngineMariaDB is the value of Options.Engine for a MariaDB, whatever MySQLVariable says. It is RDS's name for it.
const EngineMariaDB = "mariadb"

// engine is a make of server: what MariaDB and MySQL do each in a way of their own.
type engine interface {
	// command runs the server's program with these flags. The context ends it.
	command(ctx context.Context, flags ...string) *exec.Cmd
	// bootstrap makes the server's own tables in an empty folder.
	bootstrap(ctx context.Context, data, tmp string) error
	// flags are those that only this make understands.
	flags() []string
	// connectionPrivilege lets an account in when all connections are taken, and past the first statements of each.
	connectionPrivilege() string
	// kill ends every connection of an account.
	kill(ctx context.Context, admin *sql.DB, account string) error
}

// findEngine is the make of server to run when the one of this name is asked for.
func findEngine(name string) (engine, error) {
	if folder := os.Getenv(MySQLVariable); folder != "" && name != EngineMariaDB {
		return findMySQL(folder)
	}
	return findMariaDB()
}

// unflushed are the flags that spare the flushing which a crash of the machine would need.
func unflushed() []string {
	return []string{"--innodb-flush-log-at-trx-commit=0", "--innodb-doublewrite=0", "--innodb-flush-method=nosync"}
}

// asRoot is the flag without which a server refuses to run as root.
func asRoot() []string {
	if os.Geteuid() == 0 {
		return []string{"--user=root"}
	}
	return nil
}
