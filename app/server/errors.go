package server

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"usermanagement.dev/stack/app/auth"
	"usermanagement.dev/stack/app/password"
	"usermanagement.dev/stack/app/store"
	"usermanagement.dev/stack/app/users"
	"usermanagement.dev/stack/app/web"
)

// problem is an error as the client sees it (RFC 9457). Code is also the key of its text in the message catalogue.
type problem struct {
	Type      string            `json:"type"`
	Title     string            `json:"title"`
	Status    int               `json:"status"`
	Code      string            `json:"code"`
	Detail    string            `json:"detail,omitempty"`
	RequestID string            `json:"request_id"`
	Fields    map[string]string `json:"errors,omitempty"`

	retryAfter int
}

// classes are the errors that have a meaning to the client. Whatever is not among them is a fault of ours.
var classes = []struct {
	err    error
	status int
	code   string
}{
	{errStarting, 503, "error.starting"},
	{errSignIn, 401, "error.sign_in"},
	{errLapsed, 401, "error.lapsed"},
	{errForbidden, 403, "error.forbidden"},
	{errStepUp, 403, "error.step_up"},
	{errForm, 403, "error.form"},
	{errPassword, 403, "error.password_due"},
	{errNeedFactor, 403, "error.factor_due"},
	{errBadRequest, 400, "error.bad_request"},
	{errPrecondition, 428, "error.precondition"},
	{errIdempotency, 422, "error.idempotency"},
	{errInProgress, 409, "error.in_progress"},
	{users.ErrNotFound, 404, "error.not_found"},
	{users.ErrLastAdmin, 409, "error.last_admin"},
	{users.ErrSelf, 409, "error.self"},
	{users.ErrTooMany, 422, "error.too_many"},
	{users.ErrOtherPeople, 409, "error.other_people"},
	{users.ErrGone, 410, "error.gone"},
	{auth.ErrWrong, 401, "error.wrong"},
	{auth.ErrExpired, 410, "error.expired"},
	{auth.ErrDone, 409, "error.setup_done"},
	{auth.ErrNotPossible, 409, "error.not_possible"},
	{password.ErrBusy, 503, "error.busy"},
}

// explain turns an error into what the client may know of it.
func explain(err error, lang string) problem {
	p := problem{Type: "about:blank", Status: 500, Code: "error.internal"}
	var throttled *auth.ThrottledError
	var invalid *users.ValidationError
	var conflict *users.ConflictError
	var httpErr *fiber.Error
	switch {
	case errors.As(err, &throttled):
		p.Status, p.Code, p.retryAfter = 429, "error.throttled", int(throttled.RetryAfter.Seconds())
	case errors.As(err, &invalid):
		p.Status, p.Code, p.Fields = 422, "error.invalid", map[string]string{}
		for field, key := range invalid.Fields {
			p.Fields[field] = web.T(lang, string(key))
		}
	case errors.As(err, &conflict):
		p.Status, p.Code = 412, "error.conflict"
	case errors.As(err, &httpErr):
		p.Status, p.Code = httpErr.Code, "error.http_"+strconv.Itoa(httpErr.Code)
	default:
		p.classify(err)
	}
	if p.Status == 503 && p.retryAfter == 0 {
		p.retryAfter = 2
	}
	p.Title = http.StatusText(p.Status)
	p.Detail = web.T(lang, p.Code)
	if p.Detail == p.Code {
		p.Detail = p.Title
	}
	return p
}

func (p *problem) classify(err error) {
	for _, class := range classes {
		if errors.Is(err, class.err) {
			p.Status, p.Code = class.status, class.code
			return
		}
	}
	if store.IsUnavailable(err) {
		p.Status, p.Code = 503, "error.unavailable"
	}
}

// handleError answers for a handler that failed: in JSON on the API, else with a page. Somebody who has to do a step
// first is sent to it.
func (s *Server) handleError(c *fiber.Ctx, err error) error {
	st := current(c)
	p := explain(err, st.prefs.Lang)
	p.RequestID = st.id
	if p.Status >= 500 {
		s.log.Error("request failed", "request_id", st.id, "method", c.Method(), "route", pathClass(st),
			"status", p.Status, "error", err.Error())
	}
	if c.Response().Header.Peek(fiber.HeaderContentSecurityPolicy) == nil {
		s.secureHeaders(c) // refused before any middleware, such as a body that is too large
		c.Set(fiber.HeaderXRequestID, st.id)
	}
	if p.retryAfter > 0 {
		c.Set(fiber.HeaderRetryAfter, strconv.Itoa(p.retryAfter))
	}
	if p.Status == fiber.StatusMethodNotAllowed {
		c.Set(fiber.HeaderAllow, strings.Join(s.allowedMethods(c.Path()), ", "))
	}
	if wantsJSON(c) {
		return sendProblem(c, p)
	}
	if errors.Is(err, errStepUp) && c.Method() != fiber.MethodGet && c.Method() != fiber.MethodHead {
		return s.askInPlace(c, "")
	}
	if to := nextStep(c, err); to != "" {
		return c.Redirect(to, fiber.StatusSeeOther)
	}
	return s.page(c, p.Status, web.ErrorPage(s.view(c, "error.title"), p.Status, p.Detail, st.id, s.wayBack(c)))
}

// wayBack is the page of ours that somebody came from, if it can be opened again; from the pages that lead to bulk actions,
// which cannot, it is the list. Empty is nowhere to go back to.
func (s *Server) wayBack(c *fiber.Ctx) string {
	if u := current(c).user; u != nil && u.IsAdmin() && c.Method() == fiber.MethodPost && strings.HasPrefix(c.Path(), "/users/bulk") {
		return listPath(c.FormValue("query"))
	}
	from, err := url.Parse(c.Get(fiber.HeaderReferer))
	if err != nil || !s.isOwnOrigin(from.Scheme+"://"+from.Host) || !slices.Contains(s.allowedMethods(from.Path), fiber.MethodGet) {
		return ""
	}
	query := from.Query()
	query.Del("done") // what was said of an act before
	query.Del("undo")
	from.RawQuery = query.Encode()
	back := safeNext(from.RequestURI())
	if back == "/" || c.Method() == fiber.MethodGet && from.Path == c.Path() {
		return ""
	}
	return back
}

func sendProblem(c *fiber.Ctx, p problem) error {
	body, err := json.Marshal(p)
	if err != nil {
		return err
	}
	if p.Status == fiber.StatusUnauthorized {
		c.Set(fiber.HeaderWWWAuthenticate, `Bearer realm="ums"`)
	}
	c.Set(fiber.HeaderContentType, "application/problem+json")
	return c.Status(p.Status).Send(body)
}

// nextStep is the page that has to be gone through before the one that was asked for.
func nextStep(c *fiber.Ctx, err error) string {
	back := "/"
	if c.Method() == fiber.MethodGet {
		back = c.OriginalURL()
	} else if u, perr := url.Parse(c.Get(fiber.HeaderReferer)); perr == nil && u.Path != "" {
		back = u.RequestURI()
	}
	next := "?next=" + url.QueryEscape(safeNext(back))
	switch {
	case errors.Is(err, errSignIn):
		return "/login" + next
	case errors.Is(err, errLapsed):
		return "/login" + next + "&done=done.lapsed"
	case errors.Is(err, errStepUp):
		return confirmPath + next
	case errors.Is(err, errPassword):
		return "/account/password"
	case errors.Is(err, errNeedFactor):
		return "/account/second-factor"
	}
	return ""
}

func pathClass(st *state) string {
	if st.route == nil {
		return "none"
	}
	return st.route.Path
}

// notFound answers for what no route takes: 405 where the path exists for another method.
func (s *Server) notFound(c *fiber.Ctx) error {
	if len(s.allowedMethods(c.Path())) > 0 {
		return fiber.ErrMethodNotAllowed
	}
	if s.migrated.Load() && !isAPIPath(c.Path()) {
		// So that the page has the navigation of whoever is signed in; the answer is the same without.
		_ = s.identify(c, current(c), Route{})
	}
	return users.ErrNotFound
}
