package server

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"

	"usermanagement.dev/stack/app/auth"
	"usermanagement.dev/stack/app/users"
	"usermanagement.dev/stack/app/web"
)

const (
	// inviteLimit is how many people are invited at once: what one page has room for.
	inviteLimit = 500
	// mailLimit is how many where the links go out by mail, within the time of one request.
	mailLimit = 200
	// mailsAtOnce is how many of them are on their way at a time.
	mailsAtOnce = 8
	// mailBudget is the time for all of them; it leaves the request the time to show what was not sent.
	mailBudget = 18 * time.Second
)

// invitees is whom a form invites.
func (s *Server) invitees(c *fiber.Ctx) auth.Invitees {
	whom := auth.Invitees{Again: c.FormValue("again") == users.Yes, Most: inviteLimit}
	whom.Selection, _, _ = selection(c)
	if s.mailer != nil {
		whom.Most = mailLimit
	}
	return whom
}

// showInvitePlan tells who would get a link, and who none and why.
func (s *Server) showInvitePlan(c *fiber.Ctx, status int) error {
	plan, err := s.auth.PlanInvites(c.UserContext(), s.invitees(c))
	if err != nil {
		return err
	}
	_, ids, query := selection(c)
	v := web.InviteView{
		BulkForm: web.BulkForm{Action: users.BulkInvite, Expected: len(plan.Invite), IDs: ids, Query: query},
		Plan:     plan, Mail: s.mailer != nil, Changed: status == fiber.StatusConflict,
	}
	return s.page(c, status, web.InvitePage(s.view(c, "invite.title"), v))
}

// inviteMany makes the links and mails them, or shows them once. They are in no address, cookie or log.
func (s *Server) inviteMany(c *fiber.Ctx) error {
	whom := s.invitees(c)
	whom.Expect = int(formInt(c, "expected"))
	made, err := s.auth.InviteMany(c.UserContext(), current(c).actor(), whom)
	if errors.Is(err, users.ErrOtherPeople) {
		return s.showInvitePlan(c, fiber.StatusConflict)
	}
	if err != nil {
		return err
	}
	if len(made) == 0 {
		return s.showInvitePlan(c, fiber.StatusOK)
	}
	rows := make([]web.Invitation, len(made))
	for i := range made {
		u := &made[i].User
		rows[i] = web.Invitation{ID: u.ID, Username: u.Username, Email: u.Email, Link: s.linkURL(made[i].Token)}
	}
	if s.mailer != nil {
		s.mailInvitations(c, rows)
	}
	return s.ok(c, web.InvitationsPage(s.view(c, "invite.made"), web.InvitationsView{
		Rows: rows, Mail: s.mailer != nil, Back: listPath(c.FormValue("query")),
	}))
}

// mailInvitations sends the links, a few at a time, and notes which went out. What the time does not suffice for counts as
// not sent.
func (s *Server) mailInvitations(c *fiber.Ctx, rows []web.Invitation) {
	lang := current(c).prefs.Lang
	ctx, cancel := context.WithTimeout(c.UserContext(), s.mailBudget)
	defer cancel()
	next, failures := make(chan *web.Invitation), make([]error, mailsAtOnce)
	var workers sync.WaitGroup
	for i := range failures {
		workers.Go(func() {
			for row := range next {
				err := s.sendLink(ctx, lang, &users.User{Username: row.Username, Email: row.Email}, auth.LinkInvite, row.Link)
				if row.Sent = err == nil; err != nil {
					failures[i] = err
				}
			}
		})
	}
	for i := range rows {
		next <- &rows[i]
	}
	close(next)
	workers.Wait()
	if err := cmp.Or(failures...); err != nil {
		s.log.Error("invitations could not be sent", "request_id", current(c).id,
			"count", len(web.InvitationsView{Rows: rows}.HandOver()), "error", err.Error())
	}
}

// invitationsFile gives the links of the page that shows them as a file. The page sends them, as they are kept nowhere: the
// form token says that it is a page of this session.
func (s *Server) invitationsFile(c *fiber.Ctx) error {
	names, addresses, links := formValues(c, "username"), formValues(c, "email"), formValues(c, "link")
	if len(links) == 0 || len(links) > inviteLimit || len(names) != len(links) || len(addresses) != len(links) {
		return errBadRequest
	}
	var out bytes.Buffer
	w := users.NewCSV(&out)
	if err := w.Write("username", "email", "link"); err != nil {
		return err
	}
	for i, link := range links {
		if !strings.HasPrefix(link, s.linkURL("")) {
			return errBadRequest
		}
		if err := w.Write(names[i], addresses[i], link); err != nil {
			return err
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return sendCSV(c, "invitations", out.Bytes())
}
