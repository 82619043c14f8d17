package web

import (
	"net/url"
	"strings"

	"usermanagement.dev/stack/app/users"
)

// ViewForm is a saved view as somebody typed it. ID is zero for a new one.
type ViewForm struct {
	ID     int64
	Name   string
	Shared bool
	Query  users.Query
}

// current is the query of the list as it looks now, with the columns that it shows: what a view would keep of it.
func (l UsersView) current(v View) string {
	q := l.Query
	q.Columns = v.Prefs.columnNames()
	return q.ViewValues().Encode()
}

// viewName is the name of the saved view that the list shows, if it shows one.
func (l UsersView) viewName(v View) string {
	now := l.current(v)
	for i := range l.Views {
		if l.Views[i].Query == now {
			return l.Views[i].Name
		}
	}
	return ""
}

// parseView reads what a saved view chooses.
func parseView(query string) users.Query {
	v, _ := url.ParseQuery(query)
	return users.ParseQuery(v)
}

// describeQuery is a query in words, such as "Role: Administrator · sorted by Created, descending".
func describeQuery(v View, q users.Query) string {
	var parts []string
	add := func(label, value string) {
		if value != "" {
			parts = append(parts, v.T(label)+": "+value)
		}
	}
	choice := func(name, value string) {
		if value != "" {
			add(facetLabels[name], v.T(name+"."+value))
		}
	}
	add("label.search", q.Search)
	choice("role", q.Role)
	choice("status", q.State)
	choice("mfa", q.MFA)
	choice("login", q.Login)
	add("label.created_from", q.CreatedFrom)
	add("label.created_to", q.CreatedTo)
	if len(parts) == 0 {
		parts = append(parts, v.T("views.everybody"))
	}
	order := "views.ascending"
	if q.Desc {
		order = "views.descending"
	}
	return strings.Join(append(parts, v.T(order, v.T("label."+q.Sort))), " · ")
}
