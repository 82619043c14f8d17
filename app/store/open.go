// Package store opens the database and holds what every repository needs of it: transactions that are tried again after
// a deadlock, named locks across hosts, and the meaning of the database's errors. MySQL and MariaDB are supported.
package store

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/feature"
	"github.com/uptrace/bun/dialect/mysqldialect"

	"usermanagement.dev/stack/app/config"
)

// portableDialect is Bun's MySQL dialect held to what MySQL and MariaDB have in common. Bun asks the server for its
// version and then writes INSERT … RETURNING on MariaDB only, so that fields filled by the database would be set in
// tests and empty on RDS MySQL. It also asks while opening, which would need a database at start.
type portableDialect struct{ *mysqldialect.Dialect }

// Init implements schema.Dialect, and asks the server nothing.
func (portableDialect) Init(*sql.DB) {}

// Features implements schema.Dialect: what both servers can do.
func (d portableDialect) Features() feature.Feature {
	return d.Dialect.Features().Remove(feature.InsertReturning | feature.DeleteReturning)
}

// Open prepares the pool. It does not connect: a database that is away is a state the app serves in, not a reason to
// end.
func Open(cfg *config.Config, credentials CredentialSource) (*bun.DB, error) {
	my, err := DriverConfig(cfg)
	if err != nil {
		return nil, err
	}
	pool, err := openPool(my, credentials, cfg.DatabaseConns)
	if err != nil {
		return nil, err
	}
	pool.SetConnMaxLifetime(5 * time.Minute)
	pool.SetConnMaxIdleTime(2 * time.Minute)
	return pool, nil
}

const (
	// tableWait is how long, in seconds, a migration waits for those who use a table. Everybody who asks for the table after
	// it has to wait as well, on the hosts of the release before, so it is short; whoever migrates tries again.
	tableWait = "2"
	// migrationBound is how long a step of a migration may take once it has its table. Building an index takes minutes.
	migrationBound = 10 * time.Minute
	// migrationConns are one for the lock and one for the steps, and one more for neither to wait for.
	migrationConns = 3
)

// OpenForMigrations prepares a pool for whoever changes tables: impatient to get a table, and patient once it has it. Close
// it when that is done.
func OpenForMigrations(cfg *config.Config, credentials CredentialSource) (*bun.DB, error) {
	my, err := DriverConfig(cfg)
	if err != nil {
		return nil, err
	}
	my.Params["lock_wait_timeout"] = tableWait
	my.ReadTimeout = migrationBound
	return openPool(my, credentials, migrationConns)
}

func openPool(my *mysql.Config, credentials CredentialSource, conns int) (*bun.DB, error) {
	connector, err := newConnector(my, credentials)
	if err != nil {
		return nil, err
	}
	pool := sql.OpenDB(connector)
	pool.SetMaxOpenConns(conns)
	pool.SetMaxIdleConns(conns)
	return bun.NewDB(pool, portableDialect{mysqldialect.New(mysqldialect.WithTimeLocation("UTC"))}), nil
}

// DriverConfig turns the settings into the driver's, with the time zone, timeouts and TLS that the app relies on.
func DriverConfig(cfg *config.Config) (*mysql.Config, error) {
	my := mysql.NewConfig()
	my.Net = "tcp"
	my.ParseTime, my.Loc, my.InterpolateParams = true, time.UTC, true
	my.Params = map[string]string{
		"time_zone": "'+00:00'",
		"sql_mode":  "'STRICT_ALL_TABLES,ONLY_FULL_GROUP_BY,NO_ZERO_DATE,NO_ZERO_IN_DATE'",
	}
	my.Collation = "utf8mb4_unicode_ci"
	my.Timeout, my.ReadTimeout, my.WriteTimeout = 3*time.Second, 20*time.Second, 5*time.Second
	my.Logger = &mysql.NopLogger{} // what it would print comes back as an error too
	if cfg.DatabaseURL != "" {
		return my, fromURL(my, cfg)
	}
	my.Addr = net.JoinHostPort(cfg.DatabaseHost, strconv.Itoa(cfg.DatabasePort))
	my.DBName = cfg.DatabaseName
	if cfg.DatabaseTLS == config.TLSDisabled {
		return my, nil
	}
	return my, verifyTLS(my, cfg.DatabaseHost, cfg.DatabaseCAFile)
}

func fromURL(my *mysql.Config, cfg *config.Config) error {
	u, err := url.Parse(cfg.DatabaseURL.Reveal())
	// url.Parse's own message repeats the address, password included.
	if err != nil || u.Scheme != "mysql" || u.Hostname() == "" || strings.Trim(u.Path, "/") == "" {
		return errors.New("UMS_DATABASE_URL: want mysql://user:password@host:port/name, with special characters percent-encoded")
	}
	port := u.Port()
	if port == "" {
		port = "3306"
	}
	my.Addr = net.JoinHostPort(u.Hostname(), port)
	my.DBName = strings.Trim(u.Path, "/")
	my.User = u.User.Username()
	my.Passwd, _ = u.User.Password()
	if u.Query().Get("tls") == config.TLSVerify {
		return verifyTLS(my, u.Hostname(), cfg.DatabaseCAFile)
	}
	return nil
}

func verifyTLS(my *mysql.Config, host, caFile string) error {
	roots, err := certificatePool(caFile)
	if err != nil {
		return err
	}
	my.TLS = &tls.Config{MinVersion: tls.VersionTLS12, ServerName: host, RootCAs: roots}
	return nil
}

func certificatePool(caFile string) (*x509.CertPool, error) {
	if caFile == "" {
		return nil, nil //nolint:nilnil // crypto/tls takes nil as the system's roots
	}
	pem, err := os.ReadFile(caFile)
	if err != nil {
		return nil, fmt.Errorf("UMS_DATABASE_CA_FILE: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("UMS_DATABASE_CA_FILE %s: no certificate in it", caFile)
	}
	return pool, nil
}

// Now is the database's clock: the one clock that all hosts share.
func Now(ctx context.Context, db bun.IDB) (time.Time, error) {
	var now time.Time
	if err := db.NewRaw("SELECT UTC_TIMESTAMP(6)").Scan(ctx, &now); err != nil {
		return now, fmt.Errorf("ask the database for the time: %w", err)
	}
	return now, nil
}
