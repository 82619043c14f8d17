package server

import (
	"context"
	"time"

	"github.com/gofiber/fiber/v2"

	"usermanagement.dev/stack/app/auth"
	"usermanagement.dev/stack/app/web"
)

// mailNewDevice tells the owner of a sign-in from a browser that the account did not know, where there is SMTP. It goes
// out after the answer: neither a slow mail server nor one that is away keeps anybody from signing in.
func (s *Server) mailNewDevice(c *fiber.Ctx, res *auth.Result) {
	if s.mailer == nil || !res.NewDevice {
		return
	}
	st, u, lang := current(c), res.User, current(c).prefs.Lang
	requestID := st.id
	body := web.T(lang, "mail.device_body", u.Username, web.When(lang, &res.At), web.KnownDevice(lang, c.Get(fiber.HeaderUserAgent)),
		st.ip, s.cfg.PublicURL+"/account/sessions")
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		_, err := s.auth.Limiter().Hit(ctx, auth.LimitNotice, u.Username)
		if err == nil {
			err = s.mailer.Send(ctx, u.Email, web.T(lang, "mail.device_subject", s.cfg.SiteName), body)
		}
		if err != nil {
			s.log.Warn("the notice of a new device could not be sent", "request_id", requestID, "user_id", u.ID, "error", err.Error())
		}
	}()
}

// notices are what the person has to be told on every page. That they cannot be read is no reason to show no page.
func (s *Server) notices(c *fiber.Ctx, st *state) []auth.Notice {
	if st.user == nil || st.session == nil || !st.session.Noticed {
		return nil
	}
	list, err := s.auth.Notices(c.UserContext(), st.user.ID, s.client(c).Device)
	if err != nil {
		s.log.Warn("notices could not be read", "request_id", st.id, "error", err.Error())
	}
	return list
}

func (s *Server) dismissNotice(c *fiber.Ctx) error {
	if err := s.auth.DismissNotice(c.UserContext(), current(c).user, formInt(c, "notice"), s.client(c)); err != nil {
		return err
	}
	return s.redirect(c, safeNext(c.FormValue("next")), "done.noticed")
}
