package server

import (
	"context"

	"github.com/gofiber/fiber/v2"

	"usermanagement.dev/stack/app/users"
	"usermanagement.dev/stack/app/web"
)

// What became of a link's mail, as the page that shows the link says it.
const (
	mailNone   = ""
	mailSent   = "sent"
	mailFailed = "failed"
)

// mailLink sends a link that an administrator made, where there is SMTP. A mail that does not go out is no failure of the
// link: the administrator sees both and can hand the link over.
func (s *Server) mailLink(c *fiber.Ctx, u *users.User, kind, link string) string {
	if s.mailer == nil {
		return mailNone
	}
	lang := current(c).prefs.Lang
	err := s.mailer.Send(c.UserContext(), u.Email, web.T(lang, "mail."+kind+"_subject", s.cfg.SiteName),
		web.T(lang, "mail."+kind+"_body", u.Username, link))
	if err != nil {
		s.log.Error("a link could not be sent", "request_id", current(c).id, "user_id", u.ID, "error", err.Error())
		return mailFailed
	}
	return mailSent
}

// mailer sends a message to one address. Without SMTP it is nil, and links are handed over by an administrator.
type mailer interface {
	Send(ctx context.Context, to, subject, body string) error
}
