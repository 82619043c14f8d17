package server

import (
	"errors"
	"slices"

	"github.com/gofiber/fiber/v2"

	"usermanagement.dev/stack/app/auth"
	"usermanagement.dev/stack/app/users"
	"usermanagement.dev/stack/app/web"
)

// confirmPath is the question for the password on a page of its own.
const confirmPath = "/confirm"

// confirmField carries the password that confirms a sensitive act along with the act's own form.
const confirmField = "_confirm"

// confirmInPlace takes the password that came with a form, so that the act goes on with everything that was typed. It says
// whether the password was wrong.
func (s *Server) confirmInPlace(c *fiber.Ctx, st *state) (wrong bool, err error) {
	if st.user == nil || st.session == nil || st.session.Elevated() || isAPIPath(c.Path()) || c.Path() == confirmPath {
		return false, nil
	}
	password := c.FormValue(confirmField)
	if password == "" {
		return false, nil
	}
	token, err := s.auth.Confirm(c.UserContext(), st.session, password)
	if errors.Is(err, auth.ErrWrong) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	s.startSession(c, token)
	st.cookie = token
	return false, nil
}

// askInPlace shows the question for the password on a page that holds the form that was sent, to be sent again with it.
func (s *Server) askInPlace(c *fiber.Ctx, problem string) error {
	v := s.view(c, "confirm.title")
	form := web.ConfirmForm{Action: c.OriginalURL(), Fields: sentFields(c), Problem: problem}
	status := fiber.StatusForbidden
	if problem != "" {
		status = fiber.StatusUnauthorized
	}
	return s.page(c, status, web.ConfirmPage(v, form))
}

// sentFields are the fields of the form that was sent, in their order, without those that belong to the sending.
func sentFields(c *fiber.Ctx) []web.SentField {
	var fields []web.SentField
	c.Request().PostArgs().VisitAll(func(name, value []byte) {
		if n := string(name); !slices.Contains([]string{"_csrf", confirmField}, n) {
			fields = append(fields, web.SentField{Name: n, Value: string(value)})
		}
	})
	return fields
}

// guardRights asks for the password before somebody becomes an administrator, and before the address moves to which
// reset links go. API tokens are spared: making one asked for the password already.
func guardRights(st *state, before *users.User, p users.Patch) error {
	if st.session == nil || st.session.Elevated() {
		return nil
	}
	promoted := p.Role != nil && *p.Role == users.RoleAdmin && !before.IsAdmin()
	moved := p.Email != nil && before.Email != "" && *p.Email != before.Email
	if promoted || moved {
		return errStepUp
	}
	return nil
}
