package web

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"usermanagement.dev/stack/app/audit"
	"usermanagement.dev/stack/app/auth"
	"usermanagement.dev/stack/app/users"
)

// View is what every page needs to know.
type View struct {
	Prefs    Preferences
	Title    string
	SiteName string
	Path     string
	User     *users.User
	CSRF     string
	// Done is a message about what was just done, or, with DoneNot, about why it was not; UndoHandle offers to undo it and
	// comes back to the list of UndoQuery.
	Done                  string
	DoneNot               bool
	UndoHandle, UndoQuery string
	// Notices are of devices that the person's account did not know.
	Notices []auth.Notice
	Assets  *Assets
}

// T is a text in the view's language.
func (v View) T(key string, args ...any) string { return T(v.Prefs.Lang, key, args...) }

// N is a number in the view's language.
func (v View) N(n int) string { return Number(v.Prefs.Lang, n) }

// sentence is a text about n people, which has another key for one.
func (v View) sentence(key string, n int) string {
	if n == 1 {
		return v.T(key + "_one")
	}
	return v.T(key, v.N(n))
}

// When is a time in the view's language.
func (v View) When(t *time.Time) string { return When(v.Prefs.Lang, t) }

// At is When for a time that is there.
func (v View) At(t time.Time) string { return When(v.Prefs.Lang, &t) }

// Day is the day of a time in the view's language.
func (v View) Day(t *time.Time) string { return Day(v.Prefs.Lang, t) }

// Errors are the problems of a form's fields.
type Errors map[string]users.Problem

// text is a problem in the view's language.
func (e Errors) text(v View, name string) string {
	if p, ok := e[name]; ok {
		return v.T(string(p))
	}
	return ""
}

// fieldLabels are the texts beside fields, for the summary of errors.
func fieldLabel(v View, name string) string {
	key := "label." + name
	if Known(key) {
		return v.T(key)
	}
	return name
}

// fieldOrder is the order in which an error summary names fields.
var fieldOrder = []string{
	"secret", users.FieldUsername, users.FieldEmail, users.FieldDisplayName, users.FieldRole, users.FieldStatus, users.FieldExpires, "current",
	users.FieldPassword, "code", users.FieldName, "scopes", "days", "file", "action",
	"password_hash",
}

func (e Errors) ordered() []string {
	var names []string
	for _, name := range fieldOrder {
		if _, ok := e[name]; ok {
			names = append(names, name)
		}
	}
	return names
}

// UserForm is what somebody typed, or a person as is.
type UserForm struct {
	ID          int64
	Version     int64
	Username    string
	Email       string
	DisplayName string
	Role        string
	Status      string
	MustChange  bool
	ExpiresAt   string
	Invite      bool
	Password    string
}

// FormOf fills a form from a person.
func FormOf(u *users.User) UserForm {
	return UserForm{
		ID: u.ID, Version: u.Version, Username: u.Username, Email: u.Email, DisplayName: u.DisplayName, Role: string(u.Role),
		Status: string(u.Status), MustChange: u.MustChangePassword, ExpiresAt: users.ExpiryText(u.ExpiresAt),
	}
}

// UsersView is the list of people.
type UsersView struct {
	Query  users.Query
	Page   users.Page
	Total  int
	Facets users.Facets
	Now    time.Time
	// Views are the saved ones that the menu offers.
	Views []users.SavedView
}

func (l UsersView) total(v View) string {
	if l.Total > users.CountLimit {
		return v.N(users.CountLimit) + "+"
	}
	return v.N(l.Total)
}

// counted says how many people match.
func (l UsersView) counted(v View) string {
	if l.Total == 1 {
		return v.T("users.count_one")
	}
	return v.T("users.count", l.total(v))
}

// moreFiltered says whether one of the filters is in use that stand behind "more filters".
func (l UsersView) moreFiltered() bool {
	return l.Query.MFA+l.Query.Login+l.Query.CreatedFrom+l.Query.CreatedTo != "" || l.Query.Size != users.PageSizes[1]
}

// UserView is a person's page.
type UserView struct {
	User     *users.User
	Form     UserForm
	Errors   Errors
	Sessions []auth.Session
	Links    []auth.Link
	SignIns  []auth.SignIn
	Tokens   []auth.APIToken
	Entries  []EntryView
	Now      time.Time
	// Current is the handle of the session that looks.
	Current string
}

// HasOpenLinks says whether there are links to take back.
func (v UserView) HasOpenLinks() bool {
	return slices.ContainsFunc(v.Links, func(l auth.Link) bool { return l.Open() })
}

// EntryView is a line of the audit log.
type EntryView struct {
	ID                 int64
	At                 time.Time
	Actor, Action      string
	Target             string
	TargetID           int64
	RequestID, Changes string
}

// Acts are what the audit log records, in the order that its filter offers them.
var Acts = []string{
	"user.create",
	"user.setup",
	"user.update",
	"user.delete",
	"user.restore",
	"user.purge",
	"user.import",
	"user.import_legacy",
	"user.password",
	"user.expire",
	"user.dormant",
	"user.unlock",
	"user.second_factor.enable",
	"user.second_factor.remove",
	"user.recovery_codes",
	"user.undo",
	"user.enable",
	"user.disable",
	"user.make_admin",
	"user.make_user",
	"user.force_change",
	"user.end_sessions",
	"link.invite",
	"link.reset",
	"link.revoke",
	"token.create",
	"token.revoke",
	"session.end",
	"view.share",
	"view.change",
	"view.unshare",
	"view.delete",
	"notice.dismiss",
	"user.data_export",
	"users.export",
	"audit.export",
}

func auditExportURL(q audit.Query) string {
	v := url.Values{"actor": {q.Actor}, "action": {q.Action}, "target": {number(q.TargetID)}}
	return "/audit/export?" + v.Encode()
}

// actText is an act in words.
func actText(v View, act string) string {
	if key := "act." + act; Known(key) {
		return v.T(key)
	}
	return act
}

// Conflict is an edit that met another one.
type Conflict struct {
	Base, Theirs, Yours UserForm
}

// ConflictRow is a field on which the two edits may differ.
type ConflictRow struct {
	Name, Base, Theirs, Yours string
}

// Rows lists the fields where theirs and yours differ.
func (c Conflict) Rows() []ConflictRow {
	var rows []ConflictRow
	add := func(name, base, theirs, yours string) {
		if theirs != yours {
			rows = append(rows, ConflictRow{name, base, theirs, yours})
		}
	}
	add(users.FieldUsername, c.Base.Username, c.Theirs.Username, c.Yours.Username)
	add(users.FieldEmail, c.Base.Email, c.Theirs.Email, c.Yours.Email)
	add(users.FieldDisplayName, c.Base.DisplayName, c.Theirs.DisplayName, c.Yours.DisplayName)
	add(users.FieldRole, c.Base.Role, c.Theirs.Role, c.Yours.Role)
	add(users.FieldStatus, c.Base.Status, c.Theirs.Status, c.Yours.Status)
	add(users.FieldExpires, c.Base.ExpiresAt, c.Theirs.ExpiresAt, c.Yours.ExpiresAt)
	add(users.FieldMustChange, flag(c.Base.MustChange), flag(c.Theirs.MustChange), flag(c.Yours.MustChange))
	return rows
}

// Same lists what is kept as it is.
func (c Conflict) Same() map[string]string {
	all := map[string]string{
		users.FieldUsername: c.Yours.Username, users.FieldEmail: c.Yours.Email, users.FieldDisplayName: c.Yours.DisplayName,
		users.FieldRole: c.Yours.Role, users.FieldStatus: c.Yours.Status, users.FieldMustChange: flag(c.Yours.MustChange),
		users.FieldExpires: c.Yours.ExpiresAt,
	}
	for _, row := range c.Rows() {
		delete(all, row.Name)
	}
	return all
}

func flag(b bool) string {
	if b {
		return "yes"
	}
	return ""
}

// BulkForm is what the page before a bulk action sends on: whom it is about, and how many of them it told of.
type BulkForm struct {
	Action   users.BulkAction
	Expected int
	IDs      []int64
	Query    string
}

// BulkView is the page before a bulk action.
type BulkView struct {
	BulkForm
	Preview users.Preview
	// Changed says that the selection is no longer what the page before told.
	Changed bool
}

// ConfirmForm is a form that asks for the password, with the fields of the act that waits for it.
type ConfirmForm struct {
	Action  string
	Fields  []SentField
	Problem string
}

// SentField is a field that is sent again as it came.
type SentField struct{ Name, Value string }

// ImportView is the page of an import: before, after the dry run, and done.
type ImportView struct {
	Handle string
	Report *users.ImportReport
	Error  string
}

// OverviewView is the administrators' first page.
type OverviewView struct {
	Overview users.Overview
	Entries  []EntryView
	// DormantAfter is after how many days the policy deactivates an account; 0 is no policy.
	DormantAfter int
}

// DormantView is the preview of a policy for dormant accounts.
type DormantView struct {
	// Days is what the preview is for, Policy what is set (0: nothing).
	Days, Policy int
	Preview      users.DormantPreview
}

//go:fix inline
func at(t time.Time) *time.Time { return new(t) }

func id(n int64) string { return strconv.FormatInt(n, 10) }

func userURL(n int64, rest ...string) string { return "/users/" + id(n) + strings.Join(rest, "") }

// rowID is a person's place in the list.
func rowID(n int64) string { return "u-" + id(n) }

func viewURL(n int64) string { return "/users/views/" + id(n) }

func listURL(q users.Query) string {
	if enc := q.Values().Encode(); enc != "" {
		return "/users?" + enc
	}
	return "/users"
}

// sortURL is where a click on a column's heading goes: sorted by it, or turned round if it is already.
func sortURL(q users.Query, field string) string {
	value := field
	if q.Sort == field && !q.Desc {
		value = "-" + field
	}
	return listURL(q.With("sort", value))
}

func ariaSort(q users.Query, field string) string {
	if q.Sort != field {
		return "none"
	}
	if q.Desc {
		return "descending"
	}
	return "ascending"
}

func pageURL(q users.Query, cursor string) string {
	q.Cursor = cursor
	return listURL(q)
}

func activeNav(v View, prefix string) bool {
	return v.Path == prefix || strings.HasPrefix(v.Path, prefix+"/")
}

// facetLabels are the texts beside the filters of the list.
var facetLabels = map[string]string{
	"role":   "label.role",
	"status": "label.status",
	"mfa":    "label.mfa",
	"login":  "label.last_login_at",
}
