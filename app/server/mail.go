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
	if err := s.sendLink(c.UserContext(), current(c).prefs.Lang, u, kind, link); err != nil {
		s.log.Error("a link could not be sent", "request_id", current(c).id, "user_id", u.ID, "error", err.Error())
		return mailFailed
	}
	return mailSent
}

// sendLink sends a link in a language's words.
func (s *Server) sendLink(ctx context.Context, lang string, u *users.User, kind, link string) error {
	subject, body := web.T(lang, "mail."+kind+"_subject", s.cfg.SiteName), web.T(lang, "mail."+kind+"_body", u.Username, link)
	return s.mailer.Send(ctx, u.Email, subject, body)
}

// mailer sends a message to one address. Without SMTP it is nil, and links are handed over by an administrator.
type mailer interface {
	Send(ctx context.Context, to, subject, body string) error
}
