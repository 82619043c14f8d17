package server

import (
	"context"
	"errors"
	"net/url"
	"time"

	"github.com/gofiber/fiber/v2"

	"usermanagement.dev/stack/app/auth"
	"usermanagement.dev/stack/app/store"
	"usermanagement.dev/stack/app/users"
	"usermanagement.dev/stack/app/web"
)

// home sends everybody to where the work is.
func (s *Server) home(c *fiber.Ctx) error {
	st := current(c)
	if st.user == nil {
		done, err := s.auth.SetupDone(c.UserContext())
		if err != nil {
			return err
		}
		if !done {
			return s.redirect(c, "/setup", "")
		}
		return s.redirect(c, "/login", "")
	}
	return s.redirect(c, landing(st.user), "")
}

func landing(u *users.User) string {
	if u.IsAdmin() {
		return "/dashboard"
	}
	return "/account"
}

func (s *Server) loginPage(c *fiber.Ctx) error {
	if st := current(c); st.user != nil {
		return s.redirect(c, landing(st.user), "")
	}
	return s.ok(c, web.LoginPage(s.view(c, "login.title"), "", c.Query("next"), "", s.mailer != nil))
}

func (s *Server) login(c *fiber.Ctx) error {
	name, next := c.FormValue("login"), c.FormValue("next")
	res, err := s.auth.SignIn(c.UserContext(), name, c.FormValue("password"), s.client(c))
	var throttled *auth.ThrottledError
	switch {
	case errors.As(err, &throttled):
		s.metrics.signIns.WithLabelValues(auth.OutcomeThrottled).Inc()
		c.Set(fiber.HeaderRetryAfter, "900")
		v := s.view(c, "login.title")
		return s.page(c, fiber.StatusTooManyRequests, web.LoginPage(v, name, next, v.T("error.throttled"), s.mailer != nil))
	case errors.Is(err, auth.ErrWrong):
		s.metrics.signIns.WithLabelValues(auth.OutcomeWrong).Inc()
		v := s.view(c, "login.title")
		return s.page(c, fiber.StatusUnauthorized, web.LoginPage(v, name, next, v.T("error.wrong"), s.mailer != nil))
	case err != nil:
		return err
	}
	s.metrics.signIns.WithLabelValues(auth.OutcomeOK).Inc()
	return s.signedIn(c, res, next)
}

// signedIn hands the new session over. Whatever session the browser had before is not promoted but ended.
func (s *Server) signedIn(c *fiber.Ctx, res *auth.Result, next string) error {
	if old := current(c); old.session != nil {
		if err := s.sessions.End(c.UserContext(), old.cookie); err != nil {
			return err
		}
	}
	s.startSession(c, res.Token)
	if res.Device != "" {
		s.setCookie(c, "device", res.Device, yearSeconds)
	}
	to := safeNext(next)
	switch {
	case res.NeedsCode && to != "/":
		return s.redirect(c, "/login/code?next="+url.QueryEscape(to), "")
	case res.NeedsCode:
		return s.redirect(c, "/login/code", "")
	}
	s.mailNewDevice(c, res)
	if to != "/" {
		return s.redirect(c, to, "")
	}
	return s.redirect(c, landing(res.User), "")
}

func (s *Server) codePage(c *fiber.Ctx) error {
	return s.ok(c, web.CodePage(s.view(c, "code.title"), c.Query("next"), ""))
}

func (s *Server) code(c *fiber.Ctx) error {
	st, next := current(c), c.FormValue("next")
	res, err := s.auth.SecondFactor(c.UserContext(), st.session, c.FormValue("code"), s.client(c))
	if errors.Is(err, auth.ErrWrong) {
		v := s.view(c, "code.title")
		return s.page(c, fiber.StatusUnauthorized, web.CodePage(v, next, v.T("code.wrong")))
	}
	if err != nil {
		return err
	}
	st.session = nil // SecondFactor ended it
	return s.signedIn(c, res, next)
}

func (s *Server) logoutPage(c *fiber.Ctx) error {
	return s.ok(c, web.LogoutPage(s.view(c, "logout.title")))
}

func (s *Server) logout(c *fiber.Ctx) error {
	if st := current(c); st.session != nil {
		if err := s.sessions.End(c.UserContext(), st.cookie); err != nil {
			return err
		}
	}
	s.dropCookie(c, "sid")
	c.Set("Clear-Site-Data", `"cache"`)
	return s.redirect(c, "/login", "done.signed_out")
}

func (s *Server) setupPage(c *fiber.Ctx) error {
	done, err := s.auth.SetupDone(c.UserContext())
	if err != nil {
		return err
	}
	if done {
		return auth.ErrDone
	}
	// A link cannot carry the secret in its query, where logs and histories would keep it: app.js takes it from the
	// fragment, which browsers do not send.
	f := web.UserForm{Username: s.cfg.AdminUsername, Email: s.cfg.AdminEmail}
	return s.ok(c, web.SetupPage(s.view(c, "setup.title"), f, "", nil, s.cfg.PasswordMinLength))
}

func (s *Server) setup(c *fiber.Ctx) error {
	f := web.UserForm{Username: c.FormValue("username"), Email: c.FormValue("email")}
	draft := users.Draft{Username: f.Username, Email: f.Email, Password: c.FormValue("password")}
	_, err := s.auth.Setup(c.UserContext(), c.FormValue("secret"), draft, s.client(c))
	if invalid, ok := errors.AsType[*users.ValidationError](err); ok {
		secret := c.FormValue("secret")
		if invalid.Fields["secret"] != "" {
			secret = ""
		}
		return s.invalid(c, web.SetupPage(s.view(c, "setup.title"), f, secret, invalid.Fields, s.cfg.PasswordMinLength))
	}
	if err != nil {
		return err
	}
	s.log.Info("the first administrator was made; the setup secret is spent", "request_id", current(c).id)
	return s.redirect(c, "/login", "done.setup")
}

func (s *Server) forgotPage(c *fiber.Ctx) error {
	return s.ok(c, web.ForgotPage(s.view(c, "forgot.title"), s.mailer != nil))
}

// forgot answers the same whether or not there is such a person. The mail goes out after the answer, so that the time
// does not tell either, and only to the address that is on file.
func (s *Server) forgot(c *fiber.Ctx) error {
	if s.mailer == nil {
		return users.ErrNotFound
	}
	st, login, lang := current(c), c.FormValue("login"), current(c).prefs.Lang
	if _, err := s.auth.Limiter().Hit(c.UserContext(), auth.LimitReset, st.ip); err != nil {
		return err
	}
	actor := st.actor()
	actor.Name = "self-service"
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		u, err := s.users.ByLogin(ctx, login)
		if err != nil {
			return
		}
		if now, err := store.Now(ctx, s.db); err != nil || !u.CanSignIn(now) {
			return
		}
		if _, err := s.auth.Limiter().Hit(ctx, auth.LimitReset, string(u.EmailKey)); err != nil {
			return
		}
		token, err := s.auth.IssueLink(ctx, actor, u.ID, auth.LinkReset)
		if err == nil {
			err = s.mailer.Send(
				ctx,
				u.Email,
				web.T(lang, "mail.reset_subject", s.cfg.SiteName),
				web.T(lang, "mail.reset_body", u.Username, s.cfg.PublicURL+"/link/"+token),
			)
		}
		if err != nil {
			s.log.Error("a reset link could not be sent", "request_id", actor.RequestID, "user_id", u.ID, "error", err.Error())
		}
	}()
	return s.redirect(c, "/login", "done.reset_sent")
}

func (s *Server) linkPage(c *fiber.Ctx) error {
	link, err := s.auth.OpenLink(c.UserContext(), c.Params("token"), s.client(c))
	if err != nil {
		return err
	}
	return s.ok(c, web.LinkPage(s.view(c, "link.title"), link.User, c.Params("token"), nil, s.cfg.PasswordMinLength))
}

func (s *Server) useLink(c *fiber.Ctx) error {
	token := c.Params("token")
	_, err := s.auth.UseLink(c.UserContext(), token, c.FormValue("password"), s.client(c))
	if invalid, ok := errors.AsType[*users.ValidationError](err); ok {
		link, err := s.auth.OpenLink(c.UserContext(), token, s.client(c))
		if err != nil {
			return err
		}
		return s.invalid(c, web.LinkPage(s.view(c, "link.title"), link.User, token, invalid.Fields, s.cfg.PasswordMinLength))
	}
	if err != nil {
		return err
	}
	return s.redirect(c, "/login", "done.password")
}

func (s *Server) confirmPage(c *fiber.Ctx) error {
	return s.ok(c, web.ConfirmPage(s.view(c, "confirm.title"), confirmForm(c.Query("next"), "")))
}

// confirmForm is the question on a page of its own, before a page that is sensitive to look at.
func confirmForm(next, problem string) web.ConfirmForm {
	return web.ConfirmForm{Action: confirmPath, Fields: []web.SentField{{Name: "next", Value: next}}, Problem: problem}
}

func (s *Server) confirm(c *fiber.Ctx) error {
	st := current(c)
	if st.session == nil {
		return errForbidden
	}
	token, err := s.auth.Confirm(c.UserContext(), st.session, c.FormValue(confirmField))
	if errors.Is(err, auth.ErrWrong) {
		v := s.view(c, "confirm.title")
		return s.page(c, fiber.StatusUnauthorized, web.ConfirmPage(v, confirmForm(c.FormValue("next"), v.T("error.wrong_password"))))
	}
	if err != nil {
		return err
	}
	s.startSession(c, token)
	return c.Redirect(safeNext(c.FormValue("next")), fiber.StatusSeeOther)
}
