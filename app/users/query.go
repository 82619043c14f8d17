package users

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Values of Query's choices. Any is no filter.
const (
	Any          = ""
	StateActive  = "active"
	StateOff     = "disabled"
	StateDeleted = "deleted"
	StateLocked  = "locked"
	// StateTemporary is access that ends some day, StateExpired that has ended.
	StateTemporary = "temporary"
	StateExpired   = "expired"
	// StateInvited is who has no password yet.
	StateInvited = "invited"
	Yes          = "yes"
	No           = "no"
	LoginRecent  = "recent"
	LoginDormant = "dormant"
	LoginNever   = "never"
)

// DormantAfter is how long ago the last sign-in of a dormant person is.
const DormantAfter = 90 * 24 * time.Hour

// SortFields are the columns that a list can be sorted by.
var SortFields = []string{FieldUsername, FieldEmail, FieldDisplayName, FieldRole, FieldStatus, FieldCreated, FieldLastLogin, FieldExpires}

// PageSizes are the sizes that a list offers.
var PageSizes = []int{10, 25, 50, 100}

// Query chooses people and an order. It is the same in the list, the export, bulk actions and the API, and lives in
// the URL.
type Query struct {
	Search      string
	Role        string
	State       string
	MFA         string
	Login       string
	CreatedFrom string // a day, 2006-01-02
	CreatedTo   string
	Sort        string
	Desc        bool
	Size        int
	Cursor      string
	// Columns are the columns to show, their names joined by dots; empty is what the browser prefers. Only pages read it.
	Columns string
}

// columnNames is what Columns may hold; which of the names are columns, pages decide.
var columnNames = regexp.MustCompile(`^[a-z_.]{1,120}$`)

// ParseQuery reads a query from a URL. Unknown choices count as no filter: a list never fails for its URL.
func ParseQuery(v url.Values) Query {
	choice := func(name string, allowed ...string) string {
		if got := v.Get(name); slices.Contains(allowed, got) {
			return got
		}
		return Any
	}
	q := Query{
		Search: searchText(v.Get("q")), Role: choice(FieldRole, string(RoleAdmin), string(RoleUser)),
		State: choice(FieldStatus, StateActive, StateOff, StateDeleted, StateLocked, StateInvited, StateTemporary, StateExpired),
		MFA:   choice("mfa", Yes, No), Login: choice("login", LoginRecent, LoginDormant, LoginNever), CreatedFrom: day(v.Get("created_from")),
		CreatedTo: day(v.Get("created_to")), Cursor: v.Get("page"),
	}
	if cols := v.Get("cols"); columnNames.MatchString(cols) {
		q.Columns = cols
	}
	field, desc := strings.CutPrefix(v.Get("sort"), "-")
	if q.Sort, q.Desc = FieldUsername, false; slices.Contains(SortFields, field) {
		q.Sort, q.Desc = field, desc
	}
	if q.Size, _ = strconv.Atoi(v.Get("size")); q.Size < 1 || q.Size > 100 {
		q.Size = 25
	}
	return q
}

// searchText drops what nobody types: control characters count as nothing in a comparison and would match everybody.
func searchText(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	return strings.TrimSpace(clip(s, 200))
}

func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "")
}

func day(s string) string {
	if t, err := time.Parse(time.DateOnly, s); err != nil || t.Year() < 1970 || t.Year() > 9000 {
		return ""
	}
	return s
}

// Values is the query as it stands in a URL, with defaults left out.
func (q Query) Values() url.Values {
	v := url.Values{}
	set := func(name, value string) {
		if value != "" {
			v.Set(name, value)
		}
	}
	set("q", q.Search)
	set(FieldRole, q.Role)
	set(FieldStatus, q.State)
	set("mfa", q.MFA)
	set("login", q.Login)
	set("created_from", q.CreatedFrom)
	set("created_to", q.CreatedTo)
	sort := q.Sort
	if q.Desc {
		sort = "-" + sort
	}
	if sort != FieldUsername {
		set("sort", sort)
	}
	if q.Size != 25 && q.Size != 0 {
		set("size", strconv.Itoa(q.Size))
	}
	set("page", q.Cursor)
	set("cols", q.Columns)
	return v
}

// With returns the query with one parameter changed and the page dropped, for links.
func (q Query) With(name, value string) Query {
	v := q.Values()
	v.Del("page")
	if value == "" {
		v.Del(name)
	} else {
		v.Set(name, value)
	}
	return ParseQuery(v)
}

// Filtered says whether anything narrows the list.
func (q Query) Filtered() bool {
	return q.Search+q.Role+q.State+q.MFA+q.Login+q.CreatedFrom+q.CreatedTo != ""
}

// cursor is a place in the sorted list: the row the page begins after, or ends before.
type cursor struct {
	Value *string `json:"v"` // nil is NULL
	ID    int64   `json:"i"`
	Back  bool    `json:"b,omitempty"`
}

const cursorTime = "2006-01-02 15:04:05.000000"

func cursorAt(u *User, sort string, back bool) string {
	value := sortValue(u, sort)
	text, err := json.Marshal(cursor{Value: value, ID: u.ID, Back: back})
	if err != nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

func sortValue(u *User, sort string) *string {
	var s string
	switch sort {
	case FieldEmail:
		s = base64.RawStdEncoding.EncodeToString(u.EmailKey)
	case FieldDisplayName:
		s = u.DisplayName
	case FieldRole:
		s = string(u.Role)
	case FieldStatus:
		s = string(u.Status)
	case FieldCreated:
		s = u.CreatedAt.UTC().Format(cursorTime)
	case FieldLastLogin, FieldExpires:
		t := u.LastLoginAt
		if sort == FieldExpires {
			t = u.ExpiresAt
		}
		if t == nil {
			return nil
		}
		s = t.UTC().Format(cursorTime)
	default:
		s = base64.RawStdEncoding.EncodeToString(u.UsernameKey)
	}
	return &s
}

// parseCursor returns false for anything that this program did not write; the list then begins at its start.
func parseCursor(text, sort string) (c cursor, value any, ok bool) {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(raw) > 2000 || json.Unmarshal(raw, &c) != nil || c.ID <= 0 {
		return c, nil, false
	}
	if c.Value == nil {
		return c, nil, canBeNull(sort)
	}
	switch sort {
	case FieldUsername, FieldEmail:
		key, err := base64.RawStdEncoding.DecodeString(*c.Value)
		return c, key, err == nil
	case FieldCreated, FieldLastLogin, FieldExpires:
		t, err := time.Parse(cursorTime, *c.Value)
		return c, t, err == nil
	}
	return c, *c.Value, true
}

// canBeNull says whether a column that lists are sorted by holds NULL.
func canBeNull(field string) bool { return field == FieldLastLogin || field == FieldExpires }
