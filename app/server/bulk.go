package server

import (
	"bytes"
	"errors"
	"io"
	"net/url"
	"slices"
	"strconv"

	"github.com/gofiber/fiber/v2"

	"usermanagement.dev/stack/app/audit"
	"usermanagement.dev/stack/app/users"
	"usermanagement.dev/stack/app/web"
)

// selection is whom a bulk form is about: the boxes ticked, or everybody that the list's query chooses.
func selection(c *fiber.Ctx) (users.Selection, []int64, string) {
	raw := c.FormValue("query")
	if c.FormValue("all") == "yes" {
		v, _ := url.ParseQuery(raw)
		q := users.ParseQuery(v)
		return users.Selection{Query: &q}, nil, raw
	}
	ids := []int64{}
	for _, text := range formValues(c, "id") {
		if id, err := strconv.ParseInt(text, 10, 64); err == nil && id > 0 {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	return users.Selection{IDs: ids}, ids, raw
}

func (s *Server) bulkPreview(c *fiber.Ctx) error { return s.showPreview(c, fiber.StatusOK) }

// showPreview tells whom an action would change; again, with a note, if that has changed since the last time.
func (s *Server) showPreview(c *fiber.Ctx, status int) error {
	action := users.BulkAction(c.FormValue("action"))
	if action == users.BulkInvite {
		return s.showInvitePlan(c, status)
	}
	if !slices.Contains(users.BulkActions, action) {
		return errBadRequest
	}
	sel, ids, query := selection(c)
	preview, err := s.users.PreviewBulk(c.UserContext(), current(c).actor(), action, sel)
	if err != nil {
		return err
	}
	view := web.BulkView{
		BulkForm: web.BulkForm{Action: action, Expected: preview.Change, IDs: ids, Query: query},
		Preview:  preview, Changed: status == fiber.StatusConflict,
	}
	return s.page(c, status, web.BulkPage(s.view(c, "bulk.title"), view))
}

func (s *Server) bulkApply(c *fiber.Ctx) error {
	if users.BulkAction(c.FormValue("action")) == users.BulkInvite {
		return s.inviteMany(c)
	}
	sel, _, query := selection(c)
	sel.Expect = int(formInt(c, "expected"))
	res, err := s.users.Bulk(c.UserContext(), current(c).actor(), users.BulkAction(c.FormValue("action")), sel)
	if errors.Is(err, users.ErrOtherPeople) {
		return s.showPreview(c, fiber.StatusConflict)
	}
	if err != nil {
		return err
	}
	to := listPath(query)
	if res.Handle != "" {
		to = withParameter(to, "undo", res.Handle)
	}
	return s.redirect(c, to, "done.bulk")
}

func (s *Server) bulkUndo(c *fiber.Ctx) error {
	if _, err := s.users.Undo(c.UserContext(), current(c).actor(), c.FormValue("handle")); err != nil {
		return err
	}
	return s.redirect(c, listPath(c.FormValue("query")), "done.undone")
}

// listPath is the list of people as a form's query chooses it.
func listPath(query string) string {
	v, _ := url.ParseQuery(query)
	if kept := users.ParseQuery(v).Values().Encode(); kept != "" {
		return "/users?" + kept
	}
	return "/users"
}

func (s *Server) exportUsers(c *fiber.Ctx) error {
	var out bytes.Buffer
	n, err := s.users.Export(c.UserContext(), &out, queryOf(c))
	if err != nil {
		return err
	}
	if err := s.users.Record(c.UserContext(), current(c).actor(), audit.Event{Action: "users.export", Changes: []audit.Change{
		{Field: "rows", After: strconv.Itoa(n)}, {Field: "filter", After: queryOf(c).With("", "").Values().Encode()},
	}}); err != nil {
		return err
	}
	return sendCSV(c, "users", out.Bytes())
}

func (s *Server) importPage(c *fiber.Ctx) error {
	return s.ok(c, web.ImportPage(s.view(c, "import.title"), web.ImportView{}))
}

// importPreview is the dry run: it says what would happen, row by row, and keeps the file for an hour.
func (s *Server) importPreview(c *fiber.Ctx) error {
	data, err := uploaded(c)
	if err != nil {
		return s.importProblem(c, err)
	}
	report, err := s.users.PlanImport(c.UserContext(), data)
	if err != nil {
		return s.importProblem(c, err)
	}
	handle, err := s.users.KeepImport(c.UserContext(), current(c).actor(), data)
	if err != nil {
		return err
	}
	return s.ok(c, web.ImportPage(s.view(c, "import.title"), web.ImportView{Handle: handle, Report: report}))
}

func uploaded(c *fiber.Ctx) ([]byte, error) {
	header, err := c.FormFile("file")
	if err != nil {
		return nil, &users.FileError{Key: "import.no_file"}
	}
	if header.Size > users.MaxImportBytes {
		return nil, &users.FileError{Key: "import.too_large"}
	}
	file, err := header.Open()
	if err != nil {
		return nil, &users.FileError{Key: "import.no_file"}
	}
	defer func() { _ = file.Close() }()
	return io.ReadAll(io.LimitReader(file, users.MaxImportBytes+1))
}

func (s *Server) importProblem(c *fiber.Ctx, err error) error {
	var bad *users.FileError
	if !errors.As(err, &bad) {
		return err
	}
	v := s.view(c, "import.title")
	text := v.T(bad.Key)
	if bad.Line > 0 {
		text += " (" + v.T("import.line", bad.Line) + ")"
	}
	return s.invalid(c, web.ImportPage(v, web.ImportView{Error: text}))
}

func (s *Server) importApply(c *fiber.Ctx) error {
	st, handle := current(c), c.FormValue("handle")
	data, err := s.users.KeptImport(c.UserContext(), st.actor(), handle)
	if err != nil {
		return err
	}
	if _, err := s.users.Import(c.UserContext(), st.actor(), data); err != nil {
		return s.importProblem(c, err)
	}
	if err := s.users.DropImport(c.UserContext(), handle); err != nil {
		return err
	}
	return s.redirect(c, "/users?sort=-created_at", "done.imported")
}
