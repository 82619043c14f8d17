package web

// palettePage is a page that the palette offers.
type palettePage struct{ Key, Path, Text string }

// palettePages are the pages that need nothing but their address, in the words of the menus that lead there too.
func palettePages(v View) []palettePage {
	admin := []palettePage{
		{"overview", "/dashboard", v.T("nav.dashboard")},
		{"users", "/users", v.T("users.title")},
		{"new", "/users/new", v.T("users.new")},
		{"views", "/users/views", v.T("views.title")},
		{"import", "/users/import", v.T("import.title")},
		{"audit", "/audit", v.T("nav.audit")},
	}
	all := []palettePage{
		{"account", "/account", v.T("nav.account")},
		{"password", "/account/password", v.T("account.password")},
		{"factor", "/account/second-factor", v.T("account.second-factor")},
		{"sessions", "/account/sessions", v.T("account.sessions")},
		{"tokens", "/account/tokens", v.T("account.tokens")},
		{"activity", "/account/activity", v.T("account.activity")},
		{"help", "/help", v.T("help.title")},
	}
	if v.User.IsAdmin() {
		return append(admin, all...)
	}
	return all
}

// paletteHint says what can be typed.
func paletteHint(v View) string {
	if v.User.IsAdmin() {
		return v.T("palette.hint")
	}
	return v.T("palette.hint_pages")
}
