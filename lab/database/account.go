package database

import (
	"context"
	"fmt"
	"regexp"
	"time"
)

var identifier = regexp.MustCompile(`^[A-Za-z0-9_]{1,64}$`)

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
		{text: "REVOKE SUPER, " + s.engine.connectionPrivilege() + " ON *.* FROM " + account},
	} {
		if _, err := s.admin.ExecContext(ctx, statement.text, statement.args...); err != nil {
			return fmt.Errorf("add the account %s: %w", name, err)
		}
	}
	return nil
}

// SetPassword changes the account's password, as a rotation by Secrets Manager does. Open connections stay open.
func (s *Server) SetPassword(ctx context.Context, password string) error {
	if _, err := s.admin.ExecContext(ctx, "ALTER USER 'lab'@'127.0.0.1' IDENTIFIED BY ?", password); err != nil {
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
	if err := s.engine.kill(ctx, s.admin, name); err != nil {
		return fmt.Errorf("end the connections of %s: %w", name, err)
	}
	return nil
}
