package server

import (
	"errors"
	"net/url"
	"strconv"

	"github.com/gofiber/fiber/v2"

	"usermanagement.dev/stack/app/audit"
	"usermanagement.dev/stack/app/auth"
	"usermanagement.dev/stack/app/users"
	"usermanagement.dev/stack/app/web"
)

func (s *Server) profilePage(c *fiber.Ctx) error {
	return s.ok(c, web.ProfilePage(s.view(c, "account"), web.FormOf(current(c).user), nil))
}

// saveProfile changes what people may change of themselves, and nothing else: other fields of the form are not read.
func (s *Server) saveProfile(c *fiber.Ctx) error {
	st := current(c)
	email, name := c.FormValue("email"), c.FormValue("display_name")
	_, err := s.editGuarded(c, st.user.ID, formInt(c, "version"), users.Patch{Email: &email, DisplayName: &name})
	f := web.FormOf(st.user)
	f.Email, f.DisplayName = email, name
	var invalid *users.ValidationError
	var conflict *users.ConflictError
	switch {
	case errors.As(err, &invalid):
		return s.invalid(c, web.ProfilePage(s.view(c, "account"), f, invalid.Fields))
	case errors.As(err, &conflict): // what was typed stays, to be looked at again and saved
		f.Version = conflict.Current.Version
		problems := web.Errors{users.FieldDisplayName: "error.conflict"}
		return s.page(c, fiber.StatusConflict, web.ProfilePage(s.view(c, "account"), f, problems))
	}
	if err != nil {
		return err
	}
	return s.redirect(c, "/account", "done.saved")
}

func (s *Server) passwordPage(c *fiber.Ctx) error {
	return s.ok(c, web.PasswordPage(s.view(c, "account.password"), nil, s.cfg.PasswordMinLength))
}

func (s *Server) changePassword(c *fiber.Ctx) error {
	st := current(c)
	token, err := s.auth.ChangePassword(c.UserContext(), st.session, c.FormValue("current"), c.FormValue("password"), s.client(c))
	if invalid, ok := errors.AsType[*users.ValidationError](err); ok {
		return s.invalid(c, web.PasswordPage(s.view(c, "account.password"), invalid.Fields, s.cfg.PasswordMinLength))
	}
	if err != nil {
		return err
	}
	s.startSession(c, token)
	return s.redirect(c, "/account", "done.password")
}

func (s *Server) factorPage(c *fiber.Ctx) error { return s.showFactor(c, fiber.StatusOK, "") }

func (s *Server) showFactor(c *fiber.Ctx, status int, problem string) error {
	st := current(c)
	if st.session == nil {
		return errForbidden
	}
	v := s.view(c, "account.second-factor")
	if st.user.HasMFA() {
		left, err := s.auth.RecoveryCodesLeft(c.UserContext(), st.user.ID)
		if err != nil {
			return err
		}
		return s.page(c, status, web.FactorPage(v, "", web.QR{}, left, ""))
	}
	secret, err := s.auth.BeginTOTP(c.UserContext(), st.session)
	if err != nil {
		return err
	}
	label := url.PathEscape(s.cfg.SiteName + ":" + st.user.Username)
	uri := "otpauth://totp/" + label + "?" + url.Values{"secret": {secret}, "issuer": {s.cfg.SiteName}}.Encode()
	qr, err := web.NewQR(uri)
	if err != nil {
		return err
	}
	return s.page(c, status, web.FactorPage(v, secret, qr, 0, problem))
}

func (s *Server) enableFactor(c *fiber.Ctx) error {
	st := current(c)
	codes, token, err := s.auth.EnableTOTP(c.UserContext(), st.session, c.FormValue("code"), s.client(c))
	if errors.Is(err, auth.ErrWrong) {
		return s.showFactor(c, fiber.StatusUnprocessableEntity, web.T(st.prefs.Lang, "code.wrong"))
	}
	if err != nil {
		return err
	}
	s.startSession(c, token)
	st.cookie = token
	return s.ok(c, web.CodesPage(s.view(c, "account.second-factor"), codes))
}

func (s *Server) removeFactor(c *fiber.Ctx) error {
	st := current(c)
	u, err := s.auth.DisableTOTP(c.UserContext(), st.user, st.user.ID, s.client(c))
	if err != nil {
		return err
	}
	token, err := s.auth.Restart(c.UserContext(), u, "password", s.client(c))
	if err != nil {
		return err
	}
	s.startSession(c, token)
	return s.redirect(c, "/account/second-factor", "done.factor_removed")
}

func (s *Server) newRecoveryCodes(c *fiber.Ctx) error {
	st := current(c)
	if !st.user.HasMFA() {
		return auth.ErrNotPossible
	}
	codes, err := s.auth.NewRecoveryCodes(c.UserContext(), st.user, s.client(c))
	if err != nil {
		return err
	}
	return s.ok(c, web.CodesPage(s.view(c, "account.second-factor"), codes))
}

func (s *Server) sessionsPage(c *fiber.Ctx) error {
	st := current(c)
	list, err := s.sessions.List(c.UserContext(), st.user.ID)
	if err != nil {
		return err
	}
	return s.ok(c, web.SessionsPage(s.view(c, "account.sessions"), list, st.session.Handle))
}

func (s *Server) endSession(c *fiber.Ctx) error {
	st, handle := current(c), c.FormValue("handle")
	if handle == "others" {
		if _, err := s.sessions.EndOthers(c.UserContext(), st.user.ID, st.session.ID); err != nil {
			return err
		}
		return s.redirect(c, "/account/sessions", "done.sessions")
	}
	if err := s.endOne(c, st.user, handle); err != nil {
		return err
	}
	return s.redirect(c, "/account/sessions", "done.sessions")
}

// endOne ends a session of a person, and records who did.
func (s *Server) endOne(c *fiber.Ctx, u *users.User, handle string) error {
	found, err := s.sessions.EndOne(c.UserContext(), u.ID, handle)
	if err != nil {
		return err
	}
	if !found {
		return users.ErrNotFound
	}
	return s.users.Record(c.UserContext(), current(c).actor(), audit.Event{Action: "session.end", TargetID: u.ID, Target: u.Username})
}

func (s *Server) tokensPage(c *fiber.Ctx) error { return s.showTokens(c, fiber.StatusOK, "", "", nil) }

func (s *Server) showTokens(c *fiber.Ctx, status int, fresh, name string, errs web.Errors) error {
	list, err := s.auth.Tokens(c.UserContext(), current(c).user.ID)
	if err != nil {
		return err
	}
	return s.page(c, status, web.TokensPage(s.view(c, "account.tokens"), list, fresh, name, errs))
}

func (s *Server) createToken(c *fiber.Ctx) error {
	st := current(c)
	days, _ := strconv.Atoi(c.FormValue("days"))
	secret, err := s.auth.CreateToken(c.UserContext(), st.actor(), st.user, c.FormValue("name"), formValues(c, "scopes"), days)
	if invalid, ok := errors.AsType[*users.ValidationError](err); ok {
		return s.showTokens(c, fiber.StatusUnprocessableEntity, "", c.FormValue("name"), invalid.Fields)
	}
	if err != nil {
		return err
	}
	return s.showTokens(c, fiber.StatusOK, secret, "", nil)
}

func (s *Server) revokeToken(c *fiber.Ctx) error {
	st := current(c)
	if err := s.auth.RevokeToken(c.UserContext(), st.actor(), st.user, formInt(c, "id")); err != nil {
		return err
	}
	return s.redirect(c, "/account/tokens", "done.token_revoked")
}

func (s *Server) activityPage(c *fiber.Ctx) error {
	st := current(c)
	signIns, err := s.auth.SignIns(c.UserContext(), st.user.ID, 20)
	if err != nil {
		return err
	}
	entries, _, err := audit.List(c.UserContext(), s.db, audit.Query{TargetID: st.user.ID, Limit: 30})
	if err != nil {
		return err
	}
	return s.ok(c, web.ActivityPage(s.view(c, "account.activity"), signIns, entryViews(st.prefs.Lang, entries)))
}
