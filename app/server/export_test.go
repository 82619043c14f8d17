package server

import (
	"time"

	"github.com/gofiber/fiber/v2"
)

// RequestTimeout sets how long a request may take.
func (s *Server) RequestTimeout(d time.Duration) { s.timeout = d }

// AddFaultyRoute adds a page whose handler panics.
func (s *Server) AddFaultyRoute(path string) {
	s.routes = append(s.routes, Route{Method: "GET", Path: path, Access: Public, Handler: func(*fiber.Ctx) error {
		panic("canary: a fault in a handler")
	}})
	s.app = s.newApp()
}
