package server

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/a-h/templ"
	"github.com/gofiber/fiber/v2"

	"usermanagement.dev/stack/app/audit"
	"usermanagement.dev/stack/app/auth"
	"usermanagement.dev/stack/app/users"
	"usermanagement.dev/stack/app/web"
)

// view is what every page needs. Making one gives an anonymous browser the cookie that its forms need.
func (s *Server) view(c *fiber.Ctx, titleKey string) web.View {
	st := current(c)
	s.ensureAnonymous(c, st)
	v := web.View{
		Prefs: st.prefs, SiteName: s.cfg.SiteName, Path: c.Path(), User: st.user, CSRF: auth.CSRFToken(st.cookie), Assets: s.assets,
		Notices: s.notices(c, st),
	}
	v.Title = v.T(titleKey)
	// Only texts of our own are shown, so that no link can put words into the app's mouth.
	if done := c.Query("done"); strings.HasPrefix(done, "done.") && web.Known(done) {
		v.Done = v.T(done)
		v.DoneNot = slices.Contains(undone, done)
		if v.UndoHandle = c.Query("undo"); v.UndoHandle != "" {
			v.UndoQuery = queryOf(c).Values().Encode()
		}
	}
	return v
}

// undone are the messages that say why nothing was done.
var undone = []string{"done.lapsed", "done.not_sure", doneStale}

// page sends a page.
func (s *Server) page(c *fiber.Ctx, status int, component templ.Component) error {
	c.Status(status)
	c.Set(fiber.HeaderContentType, fiber.MIMETextHTMLCharsetUTF8)
	// The page that says that the time was up is drawn after it was.
	return component.Render(context.WithoutCancel(c.UserContext()), c.Response().BodyWriter())
}

func (s *Server) ok(c *fiber.Ctx, component templ.Component) error {
	return s.page(c, fiber.StatusOK, component)
}

// invalid sends a form back with what is wrong, and with what was typed.
func (s *Server) invalid(c *fiber.Ctx, component templ.Component) error {
	return s.page(c, fiber.StatusUnprocessableEntity, component)
}

func (s *Server) asset(c *fiber.Ctx) error {
	name := c.Params("*")
	asset, ok := s.assets.Get(name)
	lifetime := "public, max-age=31536000, immutable"
	if !ok {
		if asset, ok = s.assets.StandIn(name); !ok {
			return fiber.ErrNotFound
		}
		lifetime = "no-store" // the name is another content's
	}
	etag := `"` + asset.ETag + `"`
	c.Set(fiber.HeaderETag, etag)
	c.Set(fiber.HeaderCacheControl, lifetime)
	c.Set(fiber.HeaderContentType, asset.ContentType)
	if c.Get(fiber.HeaderIfNoneMatch) == etag {
		return c.SendStatus(fiber.StatusNotModified)
	}
	c.Vary(fiber.HeaderAcceptEncoding)
	if asset.Gzip != nil && strings.Contains(c.Get(fiber.HeaderAcceptEncoding), "gzip") {
		c.Set(fiber.HeaderContentEncoding, "gzip")
		return c.Send(asset.Gzip)
	}
	return c.Send(asset.Body)
}

// cspReport logs what browsers say broke the content policy, a few times a minute. Reports come from anywhere, so only
// their size is bounded and only the directive is kept.
func (s *Server) cspReport(c *fiber.Ctx) error {
	if _, err := s.auth.Limiter().Hit(c.UserContext(), auth.LimitReport, current(c).ip); err != nil {
		return err
	}
	body := string(c.Body())
	if len(body) > 2000 {
		body = body[:2000]
	}
	s.log.Warn("a browser reports a breach of the content policy", "request_id", current(c).id, "report", body)
	return c.SendStatus(fiber.StatusNoContent)
}

// savePreferences works for everybody, so that the sign-in page too can be read.
func (s *Server) savePreferences(c *fiber.Ctx) error {
	p := current(c).prefs
	chosen := p
	if lang := c.FormValue("lang"); lang != "" {
		chosen.Lang, chosen.Theme, chosen.Shortcuts = lang, c.FormValue("theme"), c.FormValue("keys") != "off"
	}
	if c.FormValue("columns") != "" {
		chosen.Columns = formValues(c, "cols")
		if len(chosen.Columns) == 0 {
			chosen.Columns = []string{"none"}
		}
	}
	kept := web.ParsePreferences(chosen.Cookie(), "")
	c.Cookie(&fiber.Cookie{
		Name: "prefs", Value: kept.Cookie(), Path: "/", HTTPOnly: true, Secure: s.cfg.SecureCookies(), SameSite: "Lax", MaxAge: yearSeconds,
	})
	return c.Redirect(safeNext(c.FormValue("next")), fiber.StatusSeeOther)
}

func (s *Server) helpPage(c *fiber.Ctx) error {
	return s.ok(c, web.HelpPage(s.view(c, "help.title")))
}

// formValues are all values of a field of a form.
func formValues(c *fiber.Ctx, name string) []string {
	if form, err := c.MultipartForm(); err == nil {
		return form.Value[name]
	}
	var values []string
	for _, v := range c.Request().PostArgs().PeekMulti(name) {
		values = append(values, string(v))
	}
	return values
}

func formInt(c *fiber.Ctx, name string) int64 {
	n, err := strconv.ParseInt(c.FormValue(name), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

func entryViews(lang string, entries []audit.Entry) []web.EntryView {
	views := make([]web.EntryView, 0, len(entries))
	for i := range entries {
		e := &entries[i]
		view := web.EntryView{
			ID: e.ID, At: e.At, Actor: e.Actor, Action: e.Action, Target: e.Target, TargetID: e.TargetID, RequestID: e.RequestID,
			Changes: describe(lang, e.ChangeList()),
		}
		if e.ActorErased() {
			view.Actor = removed(lang, e.ActorID)
		}
		if e.TargetErased() || e.Action == audit.ActionPurge {
			view.Target, view.TargetID = removed(lang, e.TargetID), 0
		}
		views = append(views, view)
	}
	return views
}

// removed stands in place of the name of somebody who was removed for good.
func removed(lang string, id int64) string {
	if id == 0 {
		return web.T(lang, "audit.erased")
	}
	return web.T(lang, "audit.removed", id)
}

// describe writes changes in words: "Role: User → Administrator".
func describe(lang string, changes []audit.Change) string {
	var parts []string
	for _, change := range changes {
		label := change.Field
		if web.Known("label." + change.Field) {
			label = web.T(lang, "label."+change.Field)
		}
		switch {
		case change.After == audit.Secret && changes[0].Before == "":
			parts = append(parts, label+": "+web.T(lang, "audit.password_set"))
			continue
		case change.After == audit.Secret:
			parts = append(parts, label+": "+web.T(lang, "audit.password_changed"))
			continue
		}
		if change.After == "" && change.Before != "" {
			change.After = "–"
		}
		text := label + ": "
		if change.Before != "" {
			text += valueText(lang, change.Field, change.Before) + " → "
		}
		parts = append(parts, text+valueText(lang, change.Field, change.After))
	}
	return strings.Join(parts, "; ")
}

// valueText is a value in words if it is one of a field's choices, such as "admin".
func valueText(lang, field, value string) string {
	if key := "choice." + value; value == users.Yes || value == users.No {
		return web.T(lang, key)
	}
	if key := field + "." + value; web.Known(key) {
		return web.T(lang, key)
	}
	return value
}
