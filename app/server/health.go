package server

import (
	"context"
	"errors"
	"time"

	"github.com/gofiber/fiber/v2"

	"usermanagement.dev/stack/app/store"
	"usermanagement.dev/stack/internal/hostcontract"
)

// healthTimeout is how long the database may take before a host says that it cannot serve. A load balancer's own timeout
// is 5 s or more.
const healthTimeout = 2 * time.Second

// health answers for the whole host, database included.
func (s *Server) health(c *fiber.Ctx) error {
	doc := s.Health(c.UserContext())
	status := fiber.StatusOK
	if doc.Status != hostcontract.StatusOK {
		status = fiber.StatusServiceUnavailable
	}
	return c.Status(status).JSON(doc)
}

// Health is the document of GET /health.
func (s *Server) Health(ctx context.Context) hostcontract.Health {
	doc := hostcontract.Health{
		Status: hostcontract.StatusOK, Version: s.version, Host: s.cfg.HostID, Zone: s.cfg.Zone, Checks: map[string]hostcontract.Check{},
	}
	schema := hostcontract.Check{Status: hostcontract.StatusOK}
	if !s.migrated.Load() {
		schema = hostcontract.Check{Status: hostcontract.StatusFailing, Reason: "not migrated yet"}
	}
	doc.Checks[hostcontract.CheckSchema] = schema
	doc.Checks[hostcontract.CheckDatabase] = s.checkDatabase(ctx)
	for _, check := range doc.Checks {
		if check.Status != hostcontract.StatusOK {
			doc.Status = hostcontract.StatusFailing
		}
	}
	if s.draining.Load() {
		doc.Status = hostcontract.StatusDraining
	}
	return doc
}

func (s *Server) checkDatabase(ctx context.Context) hostcontract.Check {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	started := time.Now()
	var one int
	err := s.db.DB.QueryRowContext(ctx, "SELECT 1").Scan(&one)
	check := hostcontract.Check{Status: hostcontract.StatusOK, DurationMS: float64(time.Since(started).Microseconds()) / 1000}
	if err != nil {
		check.Status, check.Reason = hostcontract.StatusFailing, "error"
		switch {
		case errors.Is(err, store.ErrNoCredentials):
			check.Reason = "no credentials"
		case errors.Is(err, context.DeadlineExceeded):
			check.Reason = "timeout"
		case store.IsUnavailable(err):
			check.Reason = "unreachable"
		}
	}
	return check
}

// live says that the process answers, whatever the database does.
func (s *Server) live(c *fiber.Ctx) error {
	return c.JSON(fiber.Map{"status": hostcontract.StatusOK})
}

func (s *Server) robots(c *fiber.Ctx) error {
	c.Set(fiber.HeaderContentType, fiber.MIMETextPlainCharsetUTF8)
	return c.SendString("User-agent: *\nDisallow: /\n")
}
