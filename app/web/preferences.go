// Package web is what people see: the pages (templ), their texts in each language, and the files that go with them.
// It knows nothing of HTTP or of the database.
package web

import (
	"net/url"
	"slices"
	"strings"

	"golang.org/x/text/language"

	"usermanagement.dev/stack/app/users"
)

// Themes are the choices of look; auto follows the system.
var Themes = []string{"auto", "light", "dark"}

// Columns are the columns that a list of people can show beside the name; defaultColumns are shown to who chose none.
var (
	Columns = []string{
		users.FieldEmail, users.FieldRole, users.FieldStatus, "mfa", users.FieldLastLogin, users.FieldCreated, users.FieldExpires,
	}
	defaultColumns = Columns[:len(Columns)-1]
)

// Preferences are a browser's choices.
type Preferences struct {
	Lang, Theme string
	// Shortcuts says whether single keys do things (WCAG 2.1.4: they can be turned off).
	Shortcuts bool
	Columns   []string
}

// DefaultPreferences are for a browser that chose nothing.
func DefaultPreferences() Preferences {
	return Preferences{Lang: Languages[0], Theme: "auto", Shortcuts: true, Columns: defaultColumns}
}

var matcher = language.NewMatcher([]language.Tag{language.English, language.German})

// ParsePreferences reads the cookie, and the browser's languages where the cookie names none. Nonsense counts as no choice.
func ParsePreferences(cookie, acceptLanguage string) Preferences {
	p := DefaultPreferences()
	v, _ := url.ParseQuery(cookie)
	if lang := v.Get("lang"); slices.Contains(Languages, lang) {
		p.Lang = lang
	} else if acceptLanguage != "" {
		_, i := language.MatchStrings(matcher, acceptLanguage)
		p.Lang = Languages[i]
	}
	if theme := v.Get("theme"); slices.Contains(Themes, theme) {
		p.Theme = theme
	}
	p.Shortcuts = v.Get("keys") != "off"
	if v.Has("cols") {
		p.Columns = keepColumns(strings.Split(v.Get("cols"), "."))
	}
	return p
}

// WithColumns are the preferences with the columns that a list's URL names.
func (p Preferences) WithColumns(names string) Preferences {
	p.Columns = keepColumns(strings.Split(names, "."))
	return p
}

// columnNames is the columns shown, as a list's URL names them.
func (p Preferences) columnNames() string {
	if len(p.Columns) == 0 {
		return "none"
	}
	return strings.Join(p.Columns, ".")
}

func keepColumns(names []string) []string {
	kept := []string{}
	for _, name := range Columns {
		if slices.Contains(names, name) {
			kept = append(kept, name)
		}
	}
	return kept
}

// Cookie is the preferences as the cookie holds them.
func (p Preferences) Cookie() string {
	v := url.Values{"lang": {p.Lang}, "theme": {p.Theme}}
	if !p.Shortcuts {
		v.Set("keys", "off")
	}
	if !slices.Equal(p.Columns, defaultColumns) {
		v.Set("cols", strings.Join(p.Columns, "."))
	}
	return v.Encode()
}

// Shows says whether the list shows a column.
func (p Preferences) Shows(column string) bool { return slices.Contains(p.Columns, column) }
