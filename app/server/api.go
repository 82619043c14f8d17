package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"usermanagement.dev/stack/app/users"
)

var (
	errBadRequest   = errors.New("the request cannot be read")
	errPrecondition = errors.New("say which version you change with If-Match")
)

// apiUser is a person as the API gives one. The first five keys are those of the system that this one replaces.
type apiUser struct {
	ID        int64   `json:"id"`
	Username  string  `json:"username"`
	Email     string  `json:"email"`
	Role      string  `json:"role"`
	CreatedBy string  `json:"created_by"`
	Name      string  `json:"display_name"`
	Status    string  `json:"status"`
	MFA       bool    `json:"second_factor"`
	MustSet   bool    `json:"must_change_password"`
	LastLogin *string `json:"last_login_at"`
	ExpiresAt *string `json:"expires_at"`
	CreatedAt string  `json:"created_at"`
	UpdatedAt string  `json:"updated_at"`
	Version   int64   `json:"version"`
}

func toAPI(u *users.User) apiUser {
	out := apiUser{
		ID: u.ID, Username: u.Username, Email: u.Email, Role: string(u.Role), CreatedBy: u.CreatedBy, Name: u.DisplayName,
		Status: string(u.Status),
		MFA:    u.HasMFA(), MustSet: u.MustChangePassword, CreatedAt: u.CreatedAt.UTC().Format(time.RFC3339Nano),
		UpdatedAt: u.UpdatedAt.UTC().Format(time.RFC3339Nano), Version: u.Version,
	}
	if u.LastLoginAt != nil {
		at := u.LastLoginAt.UTC().Format(time.RFC3339Nano)
		out.LastLogin = &at
	}
	if u.ExpiresAt != nil {
		at := u.ExpiresAt.UTC().Format(time.RFC3339Nano)
		out.ExpiresAt = &at
	}
	return out
}

func etag(u *users.User) string { return `"` + strconv.FormatInt(u.Version, 10) + `"` }

// apiList gives a page; the next one is in the Link header (RFC 8288). Somebody who is no administrator sees the own row.
func (s *Server) apiList(c *fiber.Ctx) error {
	st := current(c)
	if !st.user.IsAdmin() {
		return c.JSON([]apiUser{toAPI(st.user)})
	}
	q := queryOf(c)
	page, err := s.users.ListPublic(c.UserContext(), q)
	if err != nil {
		return err
	}
	rows := make([]apiUser, len(page.Users))
	for i := range page.Users {
		rows[i] = toAPI(&page.Users[i])
	}
	var links []string
	for _, link := range [][2]string{{"next", page.Next}, {"prev", page.Prev}} {
		if link[1] != "" {
			q.Cursor = link[1]
			links = append(links, "<"+s.cfg.PublicURL+"/api/users?"+q.Values().Encode()+`>; rel="`+link[0]+`"`)
		}
	}
	if len(links) > 0 {
		c.Set(fiber.HeaderLink, strings.Join(links, ", "))
	}
	// Counting reads every row that matches, so it is done for those who ask, and only as far as it is of use.
	if c.Query("count") == "true" {
		n, err := s.users.Count(c.UserContext(), queryOf(c))
		if err != nil {
			return err
		}
		c.Set("X-Total-Count", strconv.Itoa(min(n, users.CountLimit)))
	}
	return c.JSON(rows)
}

// visible finds a person that the caller may see. To others, a person who exists and one who does not look the same.
func (s *Server) visible(c *fiber.Ctx) (*users.User, error) {
	st, id := current(c), routeID(c)
	if !st.user.IsAdmin() && st.user.ID != id {
		return nil, users.ErrNotFound
	}
	u, err := s.users.Get(c.UserContext(), id)
	if err != nil {
		return nil, err
	}
	if u.DeletedAt != nil {
		return nil, users.ErrNotFound
	}
	return u, nil
}

func (s *Server) apiGet(c *fiber.Ctx) error {
	u, err := s.visible(c)
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderETag, etag(u))
	if c.Get(fiber.HeaderIfNoneMatch) == etag(u) {
		return c.SendStatus(fiber.StatusNotModified)
	}
	return c.JSON(toAPI(u))
}

// apiDraft is the body of a creation.
type apiDraft struct {
	Username    string  `json:"username"`
	Email       string  `json:"email"`
	DisplayName string  `json:"display_name"`
	Role        *string `json:"role"`
	Status      *string `json:"status"`
	Password    string  `json:"password"`
	MustChange  bool    `json:"must_change_password"`
	ExpiresAt   *string `json:"expires_at"`
}

// apiBodyLimit is far more than a person takes.
const apiBodyLimit = 64 << 10

// decode reads a JSON object with known keys only, so that a misspelt or forbidden field is an error and not ignored.
func decode(c *fiber.Ctx, into any) error {
	if !strings.HasPrefix(c.Get(fiber.HeaderContentType), fiber.MIMEApplicationJSON) {
		return fiber.ErrUnsupportedMediaType
	}
	if len(c.Body()) > apiBodyLimit {
		return fiber.ErrRequestEntityTooLarge
	}
	in := json.NewDecoder(bytes.NewReader(c.Body()))
	in.DisallowUnknownFields()
	if err := in.Decode(into); err != nil {
		return fmt.Errorf("%w: %w", errBadRequest, err)
	}
	if in.More() {
		return errBadRequest
	}
	return nil
}

func (s *Server) apiCreate(c *fiber.Ctx) error {
	var body apiDraft
	if err := decode(c, &body); err != nil {
		return err
	}
	return s.idempotent(c, func() error {
		d := users.Draft{
			Username: body.Username, Email: body.Email, DisplayName: body.DisplayName, Role: users.RoleUser, Status: users.StatusActive,
			Password: body.Password, MustChange: body.MustChange,
		}
		if body.Role != nil {
			d.Role = users.Role(*body.Role)
		}
		if err := guardRights(current(c), &users.User{}, users.Patch{Role: &d.Role}); err != nil {
			return err
		}
		if body.Status != nil {
			d.Status = users.Status(*body.Status)
		}
		if body.ExpiresAt != nil {
			d.ExpiresAt = *body.ExpiresAt
		}
		u, err := s.users.Create(c.UserContext(), current(c).actor(), d)
		if err != nil {
			return err
		}
		c.Set(fiber.HeaderETag, etag(u))
		c.Location("/api/users/" + strconv.FormatInt(u.ID, 10))
		return c.Status(fiber.StatusCreated).JSON(toAPI(u))
	})
}

// apiPatch is the body of a change: a JSON merge patch (RFC 7396) of these fields.
type apiPatch struct {
	Username    *string  `json:"username"`
	Email       *string  `json:"email"`
	DisplayName *string  `json:"display_name"`
	Role        *string  `json:"role"`
	Status      *string  `json:"status"`
	MustChange  *bool    `json:"must_change_password"`
	ExpiresAt   optional `json:"expires_at"`
}

// optional is a text that a merge patch sets, removes by null, or leaves alone: nil.
type optional struct{ text *string }

// UnmarshalJSON implements json.Unmarshaler; it is called for null too.
func (o *optional) UnmarshalJSON(raw []byte) error {
	o.text = new(string)
	if string(raw) == "null" {
		return nil
	}
	return json.Unmarshal(raw, o.text)
}

// apiUpdate changes a person of the version that If-Match names. People who are no administrators may change their own
// name, and nothing that gives rights or moves the address that reset links go to.
func (s *Server) apiUpdate(c *fiber.Ctx) error {
	st := current(c)
	target, err := s.visible(c)
	if err != nil {
		return err
	}
	var body apiPatch
	if err := decode(c, &body); err != nil {
		return err
	}
	if !st.user.IsAdmin() &&
		(body.Username != nil || body.Email != nil || body.Role != nil || body.Status != nil || body.MustChange != nil ||
			body.ExpiresAt.text != nil) {
		return errForbidden
	}
	version, err := matchedVersion(c)
	if err != nil {
		return err
	}
	u, err := s.editGuarded(c, target.ID, version, users.Patch{
		Username: body.Username, Email: body.Email, DisplayName: body.DisplayName, Role: (*users.Role)(body.Role),
		Status: (*users.Status)(body.Status), MustChange: body.MustChange, ExpiresAt: body.ExpiresAt.text,
	})
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderETag, etag(u))
	return c.JSON(toAPI(u))
}

// matchedVersion reads If-Match: a version, or * for whatever it is now. Without it a change is refused (RFC 6585).
func matchedVersion(c *fiber.Ctx) (int64, error) {
	tag := strings.TrimSpace(c.Get(fiber.HeaderIfMatch))
	if tag == "" {
		return 0, errPrecondition
	}
	if tag == "*" {
		return 0, nil
	}
	if version, err := strconv.ParseInt(strings.Trim(tag, `"`), 10, 64); err == nil && version > 0 {
		return version, nil
	}
	return -1, nil // no version is -1: the precondition fails, as RFC 9110 wants for a tag that does not match
}

func (s *Server) apiDelete(c *fiber.Ctx) error {
	target, err := s.visible(c)
	if err != nil {
		return err
	}
	version, err := matchedVersion(c)
	if err != nil {
		return err
	}
	if _, err := s.users.Delete(c.UserContext(), current(c).actor(), target.ID, version); err != nil {
		return err
	}
	return c.SendStatus(fiber.StatusNoContent)
}

func (s *Server) openAPI(c *fiber.Ctx) error {
	c.Set(fiber.HeaderContentType, fiber.MIMEApplicationJSON)
	c.Set(fiber.HeaderCacheControl, "public, max-age=300")
	return c.Send(bytes.ReplaceAll(openAPIDocument, []byte("https://users.example.com"), []byte(mustURL(s.cfg.PublicURL))))
}

// mustURL keeps what is put into the document from breaking out of its JSON string; the setting was checked at start.
func mustURL(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return u.String()
}
