package server

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"usermanagement.dev/stack/app/auth"
	"usermanagement.dev/stack/app/web"
	"usermanagement.dev/stack/internal/hostcontract"
)

// observe stands around every request: its id, its bound, the security headers, one line of log, the metrics.
func (s *Server) observe(c *fiber.Ctx) error {
	started := time.Now()
	st := &state{id: auth.NewHandle(), ip: s.requestIP(c), prefs: s.preferences(c)}
	c.Locals(stateKey, st)
	ctx, cancel := context.WithTimeout(context.Background(), s.timeout)
	defer cancel()
	c.SetUserContext(ctx)
	s.secureHeaders(c)
	c.Set(fiber.HeaderXRequestID, st.id)
	if s.draining.Load() {
		c.Set(fiber.HeaderConnection, "close")
	}
	if err := c.Next(); err != nil {
		if err := s.handleError(c, err); err != nil {
			return err
		}
	}
	s.report(c, st, time.Since(started))
	return nil
}

func (s *Server) report(c *fiber.Ctx, st *state, took time.Duration) {
	pattern, status := pathClass(st), c.Response().StatusCode()
	s.metrics.observe(c.Method(), pattern, status, took)
	if pattern == hostcontract.HealthPath && status == fiber.StatusOK || pattern == "/assets/*" || pattern == hostcontract.LivePath {
		return // asked every few seconds, and of no interest while it works
	}
	attrs := []any{
		"request_id", st.id, "method", c.Method(), "route", pattern, "status", status,
		"ms", float64(took.Microseconds()) / 1000, "ip", st.ip,
	}
	if st.user != nil {
		attrs = append(attrs, "user_id", st.user.ID)
	}
	s.log.Info("request", attrs...)
}

// contentPolicy allows nothing inline and nothing foreign. Bootstrap's images in CSS are the one reason for data:.
const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src " +
	"'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'; manifest-src 'self'; require-trusted-types-for 'script'; " +
	"trusted-types default; report-uri /csp-report"

func (s *Server) secureHeaders(c *fiber.Ctx) {
	policy := contentPolicy
	if s.cfg.HTTPS() {
		policy += "; upgrade-insecure-requests"
		c.Set(fiber.HeaderStrictTransportSecurity, "max-age=31536000; includeSubDomains")
	}
	if isAPIPath(c.Path()) {
		policy = "default-src 'none'; frame-ancestors 'none'"
	}
	c.Set(fiber.HeaderContentSecurityPolicy, policy)
	c.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	c.Set(fiber.HeaderReferrerPolicy, "same-origin")
	c.Set("Cross-Origin-Opener-Policy", "same-origin")
	c.Set("Cross-Origin-Resource-Policy", "same-origin")
	c.Set(fiber.HeaderPermissionsPolicy, "camera=(), geolocation=(), microphone=(), payment=(), usb=(), browsing-topics=()")
	c.Set(fiber.HeaderCacheControl, "no-store")
}

// guardHost refuses other names than the public one, so that no link or cache can be made to point elsewhere. Health
// checks come by address and are spared.
func (s *Server) guardHost(c *fiber.Ctx) error {
	switch c.Path() {
	case hostcontract.HealthPath, hostcontract.LivePath:
		return c.Next()
	}
	host := strings.ToLower(string(c.Request().Host()))
	if host == s.cfg.PublicHost() || host == strings.Replace(s.cfg.PublicHost(), "127.0.0.1", "localhost", 1) {
		return c.Next()
	}
	return fiber.NewError(fiber.StatusMisdirectedRequest, "this address is not served here")
}

// enforce is what a route declares, made true.
func (s *Server) enforce(route Route) fiber.Handler {
	return func(c *fiber.Ctx) error {
		st := current(c)
		st.route = &route
		if route.NoDatabase {
			return c.Next()
		}
		if !s.migrated.Load() {
			return errStarting
		}
		if err := s.identify(c, st, route); err != nil {
			return err
		}
		if route.Unsafe() && st.token == nil {
			if err := s.checkForm(c, st, route); err != nil {
				return err
			}
			if wrong, err := s.confirmInPlace(c, st); err != nil {
				return err
			} else if wrong {
				return s.askInPlace(c, web.T(st.prefs.Lang, "error.wrong_password"))
			}
		}
		if err := s.authorize(st, route); err != nil {
			return err
		}
		return c.Next()
	}
}

var (
	errStarting   = errors.New("the app is starting: the database is not ready yet")
	errSignIn     = errors.New("sign in first")
	errLapsed     = errors.New("the session has ended; nothing was changed")
	errForbidden  = errors.New("not allowed")
	errStepUp     = errors.New("confirm your password first")
	errForm       = errors.New("the form is not from this session or not from this site")
	errPassword   = errors.New("change your password first")
	errNeedFactor = errors.New("set up a second factor first")
)

// identify finds out who asks: by an API token, on API routes only, or by the session's cookie.
func (s *Server) identify(c *fiber.Ctx, st *state, route Route) error {
	if bearer, ok := strings.CutPrefix(c.Get(fiber.HeaderAuthorization), "Bearer "); ok && route.API {
		token, err := s.auth.LookupToken(c.UserContext(), bearer)
		if errors.Is(err, auth.ErrExpired) {
			return errSignIn
		}
		if err != nil {
			return err
		}
		if route.Scope != "" && !token.Allows(route.Scope) {
			return fmt.Errorf("%w: the token lacks the scope %s", errForbidden, route.Scope)
		}
		st.token, st.user = token, token.User
		return nil
	}
	if cookie := c.Cookies(s.cookieName("sid")); cookie != "" {
		sess, err := s.sessions.Lookup(c.UserContext(), cookie)
		if err == nil {
			st.cookie, st.session = cookie, sess
			if sess.Stage == auth.StageFull {
				st.user = sess.User
			}
			return nil
		}
		if !errors.Is(err, auth.ErrExpired) {
			return err
		}
		s.dropCookie(c, "sid")
		st.lapsed = true
	}
	st.cookie = c.Cookies(s.cookieName("anon"))
	return nil
}

// checkForm is what a form has to be to be looked at: of a session that is still there, and of a page of ours.
func (s *Server) checkForm(c *fiber.Ctx, st *state, route Route) error {
	if st.lapsed && route.Access != Public && !route.API {
		return errLapsed
	}
	if route.NoToken {
		return nil
	}
	return s.checkOrigin(c, st)
}

// checkOrigin keeps other sites from sending forms in a visitor's name, twice over: by what the browser says of where the
// request comes from, and by a token that only pages of this session hold.
func (s *Server) checkOrigin(c *fiber.Ctx, st *state) error {
	if site := c.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" && site != "none" {
		return fmt.Errorf("%w: it comes from another site", errForm)
	}
	if origin := c.Get(fiber.HeaderOrigin); origin != "" && !s.isOwnOrigin(origin) {
		return fmt.Errorf("%w: it comes from another origin", errForm)
	}
	token := c.Get("X-CSRF-Token")
	if token == "" {
		token = c.FormValue("_csrf")
	}
	if !auth.CheckCSRF(st.cookie, token) {
		return fmt.Errorf("%w: load the page again and repeat", errForm)
	}
	return nil
}

func (s *Server) isOwnOrigin(origin string) bool {
	return origin == s.cfg.PublicURL || origin == strings.Replace(s.cfg.PublicURL, "127.0.0.1", "localhost", 1)
}

// authorize says whether somebody may use the route, and what has to be done first.
func (s *Server) authorize(st *state, route Route) error {
	switch route.Access {
	case Public:
		return nil
	case WaitingForCode:
		if st.session == nil || st.session.Stage != auth.StageSecondFactor {
			return errSignIn
		}
		return nil
	case SignedIn, Admin:
		if st.user == nil {
			return errSignIn
		}
		if route.Access == Admin && !st.user.IsAdmin() {
			return errForbidden
		}
		return s.stepDue(st, route)
	default:
		return errForbidden
	}
}

// stepDue is what somebody has to do before the route opens, although it is for them.
func (s *Server) stepDue(st *state, route Route) error {
	if st.user.MustChangePassword && !route.PasswordDue {
		return errPassword
	}
	if s.cfg.RequireAdminMFA && st.user.IsAdmin() && !st.user.HasMFA() && !route.PasswordDue &&
		!strings.HasPrefix(route.Path, "/account/second-factor") {
		return errNeedFactor
	}
	if route.StepUp && st.session != nil && !st.session.Elevated() {
		return errStepUp
	}
	return nil
}

// preferences are cookies, as they are no secret and follow the browser rather than the person.
func (s *Server) preferences(c *fiber.Ctx) web.Preferences {
	return web.ParsePreferences(c.Cookies("prefs"), c.Get(fiber.HeaderAcceptLanguage))
}

// ensureAnonymous gives a browser without a session the cookie that form tokens are bound to.
func (s *Server) ensureAnonymous(c *fiber.Ctx, st *state) {
	if st.cookie == "" {
		st.cookie = auth.NewToken()
		s.setCookie(c, "anon", st.cookie, 0)
	}
}

// redirect goes on to a path of this site, with a message for the next page.
func (s *Server) redirect(c *fiber.Ctx, path, message string) error {
	if message != "" {
		path = withParameter(path, "done", message)
	}
	return c.Redirect(path, fiber.StatusSeeOther)
}

// withParameter adds a parameter to a path; a place in the page stays at its end.
func withParameter(path, name, value string) string {
	path, place, placed := strings.Cut(path, "#")
	sep := "?"
	if strings.Contains(path, "?") {
		sep = "&"
	}
	path += sep + name + "=" + url.QueryEscape(value)
	if placed {
		path += "#" + place
	}
	return path
}
