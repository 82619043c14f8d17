package server

import (
	"context"
	"time"

	"github.com/gofiber/fiber/v2"
)

// RequestTimeout sets how long a request may take.
func (s *Server) RequestTimeout(d time.Duration) { s.timeout = d }

// MailBudget sets how long the mails of one request may take.
func (s *Server) MailBudget(d time.Duration) { s.mailBudget = d }

// CleanUpOnce does what a host does every few minutes.
func (s *Server) CleanUpOnce(ctx context.Context) error { return s.cleanUpOnce(ctx) }

// AddFaultyRoute adds a page whose handler panics.
func (s *Server) AddFaultyRoute(path string) {
	s.routes = append(s.routes, Route{Method: "GET", Path: path, Access: Public, Handler: func(*fiber.Ctx) error {
		panic("canary: a fault in a handler")
	}})
	s.app = s.newApp()
}
