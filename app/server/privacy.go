package server

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/gofiber/fiber/v2"

	"usermanagement.dev/stack/app/audit"
	"usermanagement.dev/stack/app/privacy"
	"usermanagement.dev/stack/app/users"
)

// ownData gives people what the app knows of them.
func (s *Server) ownData(c *fiber.Ctx) error { return s.sendData(c, current(c).user) }

// userData gives an administrator what the app knows of somebody, to hand it over.
func (s *Server) userData(c *fiber.Ctx) error {
	u, err := s.users.Get(c.UserContext(), routeID(c))
	if err != nil {
		return err
	}
	return s.sendData(c, u)
}

func (s *Server) sendData(c *fiber.Ctx, u *users.User) error {
	doc, err := privacy.Collect(c.UserContext(), s.db, u)
	if err != nil {
		return err
	}
	body, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		return fmt.Errorf("write the data of user %d: %w", u.ID, err)
	}
	event := audit.Event{Action: "user.data_export", TargetID: u.ID, Target: u.Username}
	if err := s.users.Record(c.UserContext(), current(c).actor(), event); err != nil {
		return err
	}
	c.Attachment(fmt.Sprintf("personal-data-%d-%s.json", u.ID, time.Now().UTC().Format(time.DateOnly)))
	c.Set(fiber.HeaderContentType, fiber.MIMEApplicationJSONCharsetUTF8)
	return c.Send(body)
}
