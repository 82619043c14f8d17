package web

// palettePage is a page that the palette offers.
type palettePage struct{ Path, Text string }

// palettePages are the pages that need nothing but their address, in the words of the menus that lead there too.
func palettePages(v View) []palettePage {
	admin := []palettePage{
		{"/dashboard", v.T("nav.dashboard")},
		{"/users", v.T("users.title")},
		{"/users/new", v.T("users.new")},
		{"/users/views", v.T("views.title")},
		{"/users/import", v.T("import.title")},
		{"/audit", v.T("nav.audit")},
	}
	all := []palettePage{
		{"/account", v.T("nav.account")},
		{"/account/password", v.T("account.password")},
		{"/account/second-factor", v.T("account.second-factor")},
		{"/account/sessions", v.T("account.sessions")},
		{"/account/tokens", v.T("account.tokens")},
		{"/account/activity", v.T("account.activity")},
		{"/help", v.T("help.title")},
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
