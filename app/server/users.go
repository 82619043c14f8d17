package server

import (
	"errors"
	"net/url"
	"strconv"

	"github.com/gofiber/fiber/v2"

	"usermanagement.dev/stack/app/audit"
	"usermanagement.dev/stack/app/auth"
	"usermanagement.dev/stack/app/store"
	"usermanagement.dev/stack/app/users"
	"usermanagement.dev/stack/app/web"
)

// dashboard is the overview for administrators; others have their account.
func (s *Server) dashboard(c *fiber.Ctx) error {
	st := current(c)
	if !st.user.IsAdmin() {
		return s.redirect(c, "/account", "")
	}
	overview, err := s.users.Overview(c.UserContext())
	if err != nil {
		return err
	}
	entries, _, err := audit.List(c.UserContext(), s.db, audit.Query{Limit: 8})
	if err != nil {
		return err
	}
	return s.ok(
		c,
		web.OverviewPage(s.view(c, "nav.dashboard"), web.OverviewView{
			Overview: overview, Entries: entryViews(st.prefs.Lang, entries), DormantAfter: s.cfg.DormantAfter,
		}),
	)
}

func queryOf(c *fiber.Ctx) users.Query {
	v, _ := url.ParseQuery(string(c.Request().URI().QueryString()))
	return users.ParseQuery(v)
}

func (s *Server) usersPage(c *fiber.Ctx) error {
	ctx, q := c.UserContext(), queryOf(c)
	page, err := s.users.List(ctx, q)
	if err != nil {
		return err
	}
	total, err := s.users.Count(ctx, q)
	if err != nil {
		return err
	}
	facets, err := s.users.Facets(ctx, q)
	if err != nil {
		return err
	}
	now, err := store.Now(ctx, s.db)
	if err != nil {
		return err
	}
	views, err := s.users.Views(ctx, current(c).user.ID)
	if err != nil {
		return err
	}
	v := s.view(c, "users.title")
	if q.Columns != "" {
		v.Prefs = v.Prefs.WithColumns(q.Columns)
	}
	return s.ok(c, web.UsersPage(v, web.UsersView{Query: q, Page: page, Total: total, Facets: facets, Now: now, Views: views}))
}

func (s *Server) newUserPage(c *fiber.Ctx) error {
	f := web.UserForm{Role: string(users.RoleUser), Status: string(users.StatusActive), MustChange: true}
	return s.ok(c, web.NewUserPage(s.view(c, "users.new"), f, nil, s.cfg.PasswordMinLength))
}

func readUserForm(c *fiber.Ctx) web.UserForm {
	return web.UserForm{
		Version: formInt(
			c,
			"version",
		), Username: c.FormValue("username"), Email: c.FormValue("email"), DisplayName: c.FormValue("display_name"),
		Role: c.FormValue("role"), Status: c.FormValue("status"), MustChange: c.FormValue("must_change_password") == "yes",
		ExpiresAt: c.FormValue("expires_at"),
	}
}

// createUser adds a person. Without a password the person gets an invitation, which the next page shows once.
func (s *Server) createUser(c *fiber.Ctx) error {
	st, f, password := current(c), readUserForm(c), c.FormValue("password")
	role := users.Role(f.Role)
	if err := guardRights(st, &users.User{}, users.Patch{Role: &role}); err != nil {
		return err
	}
	u, err := s.users.Create(c.UserContext(), st.actor(), users.Draft{
		Username: f.Username, Email: f.Email, DisplayName: f.DisplayName, Role: role, Status: users.Status(f.Status),
		Password: password, MustChange: f.MustChange && password != "", ExpiresAt: f.ExpiresAt,
	})
	if invalid, ok := errors.AsType[*users.ValidationError](err); ok {
		return s.invalid(c, web.NewUserPage(s.view(c, "users.new"), f, invalid.Fields, s.cfg.PasswordMinLength))
	}
	if err != nil {
		return err
	}
	if password == "" && u.CanSignIn(u.CreatedAt) {
		return s.showLink(c, u, auth.LinkInvite)
	}
	return s.redirect(c, userPath(u.ID), "done.created")
}

func userPath(id int64) string { return "/users/" + strconv.FormatInt(id, 10) }

func routeID(c *fiber.Ctx) int64 {
	id, err := strconv.ParseInt(c.Params("id"), 10, 64)
	if err != nil {
		return 0 // no row has it
	}
	return id
}

func (s *Server) userPage(c *fiber.Ctx) error {
	u, err := s.users.Get(c.UserContext(), routeID(c))
	if err != nil {
		return err
	}
	return s.showUser(c, fiber.StatusOK, u, web.FormOf(u), nil)
}

func (s *Server) showUser(c *fiber.Ctx, status int, u *users.User, f web.UserForm, errs web.Errors) error {
	ctx, p := c.UserContext(), web.UserView{User: u, Form: f, Errors: errs}
	var err error
	if p.Now, err = store.Now(ctx, s.db); err != nil {
		return err
	}
	if p.Sessions, err = s.sessions.List(ctx, u.ID); err != nil {
		return err
	}
	if p.Tokens, err = s.auth.Tokens(ctx, u.ID); err != nil {
		return err
	}
	if st := current(c); st.session != nil {
		p.Current = st.session.Handle
	}
	if p.Links, err = s.auth.Links(ctx, u.ID); err != nil {
		return err
	}
	if p.SignIns, err = s.auth.SignIns(ctx, u.ID, 10); err != nil {
		return err
	}
	entries, _, err := audit.List(ctx, s.db, audit.Query{TargetID: u.ID, Limit: 20})
	if err != nil {
		return err
	}
	p.Entries = entryViews(current(c).prefs.Lang, entries)
	v := s.view(c, "user.edit")
	v.Title = u.Name()
	return s.page(c, status, web.UserPage(v, p))
}

// editGuarded changes a person, after the password was asked for if the change gives rights.
func (s *Server) editGuarded(c *fiber.Ctx, id, version int64, p users.Patch) (*users.User, error) {
	before, err := s.users.Get(c.UserContext(), id)
	if err != nil {
		return nil, err
	}
	if err := guardRights(current(c), before, p); err != nil {
		return nil, err
	}
	return s.users.Edit(c.UserContext(), current(c).actor(), id, version, p)
}

// editUser saves a form. If somebody else saved in between, both versions are shown and nothing is lost.
func (s *Server) editUser(c *fiber.Ctx) error {
	f := readUserForm(c)
	f.ID = routeID(c)
	role, status := users.Role(f.Role), users.Status(f.Status)
	patch := users.Patch{
		Username: &f.Username, Email: &f.Email, DisplayName: &f.DisplayName, Role: &role, Status: &status, MustChange: &f.MustChange,
		ExpiresAt: &f.ExpiresAt,
	}
	u, err := s.editGuarded(c, f.ID, f.Version, patch)
	var invalid *users.ValidationError
	var conflict *users.ConflictError
	switch {
	case errors.As(err, &invalid):
		current, err := s.users.Get(c.UserContext(), f.ID)
		if err != nil {
			return err
		}
		return s.showUser(c, fiber.StatusUnprocessableEntity, current, f, invalid.Fields)
	case errors.As(err, &conflict):
		base := web.UserForm{
			Username: c.FormValue("was_username"), Email: c.FormValue("was_email"), DisplayName: c.FormValue("was_display_name"),
			Role: c.FormValue("was_role"), Status: c.FormValue("was_status"), ExpiresAt: c.FormValue("was_expires_at"),
		}
		page := web.ConflictPage(s.view(c, "conflict.title"), web.Conflict{Base: base, Theirs: web.FormOf(&conflict.Current), Yours: f})
		return s.page(c, fiber.StatusConflict, page)
	case err != nil:
		return err
	}
	return s.redirect(c, userPath(u.ID), "done.saved")
}

// doneStale says that a change within the list met another one: the list shows what holds now.
const doneStale = "done.stale"

// quickEdit changes the role or the status from within the list, and comes back to the row.
func (s *Server) quickEdit(c *fiber.Ctx) error {
	var p users.Patch
	if role := users.Role(c.FormValue("role")); role != "" {
		p.Role = &role
	}
	if status := users.Status(c.FormValue("status")); status != "" {
		p.Status = &status
	}
	_, err := s.editGuarded(c, routeID(c), formInt(c, "version"), p)
	if _, conflict := errors.AsType[*users.ConflictError](err); conflict {
		return s.redirect(c, safeNext(c.FormValue("next")), doneStale)
	}
	if err != nil {
		return err
	}
	return s.redirect(c, safeNext(c.FormValue("next")), "done.saved")
}

func (s *Server) deleteUser(c *fiber.Ctx) error {
	u, err := s.users.Delete(c.UserContext(), current(c).actor(), routeID(c), formInt(c, "version"))
	if err != nil {
		return err
	}
	return s.redirect(c, userPath(u.ID), "done.deleted")
}

func (s *Server) restoreUser(c *fiber.Ctx) error {
	u, err := s.users.Restore(c.UserContext(), current(c).actor(), routeID(c), formInt(c, "version"))
	if err != nil {
		return err
	}
	return s.redirect(c, userPath(u.ID), "done.restored")
}

func (s *Server) purgeUser(c *fiber.Ctx) error {
	if c.FormValue("sure") != "yes" {
		return s.redirect(c, userPath(routeID(c)), "done.not_sure")
	}
	if err := s.users.Purge(c.UserContext(), current(c).actor(), routeID(c), formInt(c, "version")); err != nil {
		return err
	}
	return s.redirect(c, "/users?status=deleted", "done.purged")
}

func (s *Server) unlockUser(c *fiber.Ctx) error {
	if err := s.auth.Unlock(c.UserContext(), s.client(c), current(c).user, routeID(c)); err != nil {
		return err
	}
	return s.redirect(c, userPath(routeID(c)), "done.unlocked")
}

func (s *Server) issueLink(c *fiber.Ctx) error {
	u, err := s.users.Get(c.UserContext(), routeID(c))
	if err != nil {
		return err
	}
	kind := auth.LinkReset
	if !u.HasPassword() {
		kind = auth.LinkInvite
	}
	return s.showLink(c, u, kind)
}

// showLink makes a link and shows it once; with SMTP it is also sent.
func (s *Server) showLink(c *fiber.Ctx, u *users.User, kind string) error {
	token, err := s.auth.IssueLink(c.UserContext(), current(c).actor(), u.ID, kind)
	if err != nil {
		return err
	}
	link := s.linkURL(token)
	return s.ok(c, web.LinkIssuedPage(s.view(c, "link.issued"), u, link, s.mailLink(c, u, kind, link)))
}

// linkURL is the address of a link, given its secret.
func (s *Server) linkURL(token string) string { return s.cfg.PublicURL + "/link/" + token }

func (s *Server) revokeLinks(c *fiber.Ctx) error {
	u, err := s.users.Get(c.UserContext(), routeID(c))
	if err != nil {
		return err
	}
	if err := s.auth.RevokeLinks(c.UserContext(), current(c).actor(), u); err != nil {
		return err
	}
	return s.redirect(c, userPath(u.ID), "done.links_revoked")
}

func (s *Server) resetFactor(c *fiber.Ctx) error {
	u, err := s.auth.DisableTOTP(c.UserContext(), current(c).user, routeID(c), s.client(c))
	if err != nil {
		return err
	}
	return s.redirect(c, userPath(u.ID), "done.factor_removed")
}

// endUserSessions ends one session of a person, or all of them.
func (s *Server) endUserSessions(c *fiber.Ctx) error {
	if handle := c.FormValue("handle"); handle != "" {
		u, err := s.users.Get(c.UserContext(), routeID(c))
		if err != nil {
			return err
		}
		if err := s.endOne(c, u, handle); err != nil {
			return err
		}
		return s.redirect(c, userPath(u.ID), "done.sessions")
	}
	_, err := s.users.Bulk(c.UserContext(), current(c).actor(), users.BulkEndSessions, users.Selection{IDs: []int64{routeID(c)}})
	if err != nil {
		return err
	}
	return s.redirect(c, userPath(routeID(c)), "done.sessions")
}

func (s *Server) revokeUserToken(c *fiber.Ctx) error {
	u, err := s.users.Get(c.UserContext(), routeID(c))
	if err != nil {
		return err
	}
	if err := s.auth.RevokeToken(c.UserContext(), current(c).actor(), u, formInt(c, "id")); err != nil {
		return err
	}
	return s.redirect(c, userPath(u.ID), "done.token_revoked")
}
