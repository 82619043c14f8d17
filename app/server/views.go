package server

import (
	"errors"
	"net/url"

	"github.com/gofiber/fiber/v2"

	"usermanagement.dev/stack/app/users"
	"usermanagement.dev/stack/app/web"
)

func (s *Server) viewsPage(c *fiber.Ctx) error {
	return s.showViews(c, fiber.StatusOK, web.ViewForm{}, nil)
}

// showViews lists the saved views; the form, if it is about one of them or a new one, stands as it was typed.
func (s *Server) showViews(c *fiber.Ctx, status int, form web.ViewForm, errs web.Errors) error {
	list, err := s.users.Views(c.UserContext(), current(c).user.ID)
	if err != nil {
		return err
	}
	return s.page(c, status, web.ViewsPage(s.view(c, "views.title"), list, form, errs))
}

func readViewForm(c *fiber.Ctx) web.ViewForm {
	v, _ := url.ParseQuery(c.FormValue("query"))
	return web.ViewForm{
		ID: routeID(c), Name: c.FormValue("name"), Shared: c.FormValue("shared") == "yes", Query: users.ParseQuery(v),
	}
}

// saveView keeps the list as the form describes it, and shows it.
func (s *Server) saveView(c *fiber.Ctx) error {
	form := readViewForm(c)
	err := s.users.SaveView(c.UserContext(), current(c).actor(), form.Name, form.Query, form.Shared)
	if invalid, ok := errors.AsType[*users.ValidationError](err); ok {
		return s.showViews(c, fiber.StatusUnprocessableEntity, form, invalid.Fields)
	}
	if err != nil {
		return err
	}
	return s.redirect(c, "/users?"+form.Query.ViewValues().Encode(), "done.view_saved")
}

// changeView renames a view, and shares it or not.
func (s *Server) changeView(c *fiber.Ctx) error {
	form := readViewForm(c)
	err := s.users.ChangeView(c.UserContext(), current(c).actor(), form.ID, form.Name, form.Shared)
	if invalid, ok := errors.AsType[*users.ValidationError](err); ok {
		return s.showViews(c, fiber.StatusUnprocessableEntity, form, invalid.Fields)
	}
	if err != nil {
		return err
	}
	return s.redirect(c, "/users/views", "done.saved")
}

func (s *Server) deleteView(c *fiber.Ctx) error {
	if err := s.users.DeleteView(c.UserContext(), current(c).actor(), routeID(c)); err != nil {
		return err
	}
	return s.redirect(c, "/users/views", "done.view_deleted")
}
