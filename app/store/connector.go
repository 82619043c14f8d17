package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"sync"

	"github.com/go-sql-driver/mysql"
)

// Credentials are an account of the database.
type Credentials struct{ Username, Password string }

// CredentialSource says with which account to connect. Credentials may answer from memory; Refresh asks anew, after the
// database refused what Credentials gave: that is how a rotated password is followed without a restart. Accepted is told
// that the database took an account, so that the next refusal is news.
type CredentialSource interface {
	Credentials(ctx context.Context) (Credentials, error)
	Refresh(ctx context.Context) (Credentials, error)
	Accepted()
}

// connector opens connections with the credentials that are current when each is opened.
type connector struct {
	base   *mysql.Config
	source CredentialSource

	mu      sync.Mutex
	current Credentials
	inner   driver.Connector
}

func newConnector(base *mysql.Config, source CredentialSource) (*connector, error) {
	inner, err := mysql.NewConnector(base)
	if err != nil {
		return nil, errors.New("the database settings are not accepted by the driver") // its message can hold the password
	}
	return &connector{base: base, source: source, inner: inner}, nil
}

// Driver implements driver.Connector.
func (c *connector) Driver() driver.Driver { return mysql.MySQLDriver{} }

// Connect implements driver.Connector. An account that is refused is asked for once more, then the refusal stands.
func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	if c.source == nil {
		return c.inner.Connect(ctx)
	}
	creds, err := c.source.Credentials(ctx)
	if err != nil {
		return nil, err
	}
	conn, err := c.connectAs(ctx, creds)
	if !isAccessDenied(err) {
		return conn, err
	}
	if creds, err = c.source.Refresh(ctx); err != nil {
		return nil, err
	}
	return c.connectAs(ctx, creds)
}

func (c *connector) connectAs(ctx context.Context, creds Credentials) (driver.Conn, error) {
	inner, err := c.innerFor(creds)
	if err != nil {
		return nil, err
	}
	conn, err := inner.Connect(ctx)
	if err == nil {
		c.source.Accepted()
	}
	return conn, err
}

func (c *connector) innerFor(creds Credentials) (driver.Connector, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if creds == c.current {
		return c.inner, nil
	}
	cfg := c.base.Clone()
	cfg.User, cfg.Passwd = creds.Username, creds.Password
	inner, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, errors.New("the database credentials are not accepted by the driver")
	}
	c.current, c.inner = creds, inner
	return inner, nil
}

func isAccessDenied(err error) bool {
	var my *mysql.MySQLError
	return errors.As(err, &my) && (my.Number == 1045 || my.Number == 1044 || my.Number == 1698)
}
