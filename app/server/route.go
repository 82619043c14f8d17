package server

import (
	"strings"

	"github.com/gofiber/fiber/v2"

	"usermanagement.dev/stack/app/auth"
)

// Access says who may use a route. There is no default: a route without it does not compile into the table.
type Access int

// The kinds of access, from the widest to the narrowest.
const (
	// Public is for everybody, signed in or not.
	Public Access = iota + 1
	// WaitingForCode is for a session that waits for its second factor.
	WaitingForCode
	// SignedIn is for everybody who is signed in, for what is their own.
	SignedIn
	// Admin is for administrators.
	Admin
)

// Route is a line of the table of all routes. What it declares is enforced by one middleware, so that no handler can
// forget to.
type Route struct {
	Method  string
	Path    string
	Access  Access
	Handler fiber.Handler
	// StepUp wants the password confirmed within the last minutes.
	StepUp bool
	// API is for programs: JSON errors, and an API token with the Scope in place of a cookie.
	API   bool
	Scope string
	// NoDatabase routes answer without a session: health checks and files.
	NoDatabase bool
	// NoToken spares an unsafe route the form token. Only for what browsers send by themselves.
	NoToken bool
	// PasswordDue routes stay open to somebody who must change the password first.
	PasswordDue bool
}

// Unsafe says whether the route can change something.
func (r Route) Unsafe() bool {
	return r.Method != fiber.MethodGet && r.Method != fiber.MethodHead
}

// Short names for the table below.
const (
	get   = fiber.MethodGet
	post  = fiber.MethodPost
	patch = fiber.MethodPatch
	del   = fiber.MethodDelete
)

// Routes is the table of all routes.
func (s *Server) Routes() []Route {
	var all []Route
	for _, group := range [][]Route{s.hostRoutes(), s.signInRoutes(), s.accountRoutes(), s.userRoutes(), s.bulkRoutes(), s.apiRoutes()} {
		all = append(all, group...)
	}
	return all
}

func (s *Server) hostRoutes() []Route {
	return []Route{
		{Method: get, Path: "/health", Access: Public, Handler: s.health, NoDatabase: true},
		{Method: get, Path: "/livez", Access: Public, Handler: s.live, NoDatabase: true},
		{Method: get, Path: "/assets/*", Access: Public, Handler: s.asset, NoDatabase: true},
		{Method: get, Path: "/robots.txt", Access: Public, Handler: s.robots, NoDatabase: true},
		{Method: post, Path: "/csp-report", Access: Public, Handler: s.cspReport, NoToken: true},
		{Method: post, Path: "/preferences", Access: Public, Handler: s.savePreferences, PasswordDue: true},
		{Method: get, Path: "/help", Access: Public, Handler: s.helpPage, PasswordDue: true},
	}
}

func (s *Server) signInRoutes() []Route {
	return []Route{
		{Method: get, Path: "/", Access: Public, Handler: s.home, PasswordDue: true},
		{Method: get, Path: "/login", Access: Public, Handler: s.loginPage},
		{Method: post, Path: "/login", Access: Public, Handler: s.login},
		{Method: get, Path: "/login/code", Access: WaitingForCode, Handler: s.codePage},
		{Method: post, Path: "/login/code", Access: WaitingForCode, Handler: s.code},
		{Method: get, Path: "/logout", Access: Public, Handler: s.logoutPage, PasswordDue: true},
		{Method: post, Path: "/logout", Access: Public, Handler: s.logout, PasswordDue: true},
		{Method: get, Path: "/setup", Access: Public, Handler: s.setupPage},
		{Method: post, Path: "/setup", Access: Public, Handler: s.setup},
		{Method: get, Path: "/forgot", Access: Public, Handler: s.forgotPage},
		{Method: post, Path: "/forgot", Access: Public, Handler: s.forgot},
		{Method: get, Path: "/link/:token", Access: Public, Handler: s.linkPage},
		{Method: post, Path: "/link/:token", Access: Public, Handler: s.useLink},
		{Method: get, Path: confirmPath, Access: SignedIn, Handler: s.confirmPage, PasswordDue: true},
		{Method: post, Path: confirmPath, Access: SignedIn, Handler: s.confirm, PasswordDue: true},
	}
}

func (s *Server) accountRoutes() []Route {
	return []Route{
		{Method: get, Path: "/account", Access: SignedIn, Handler: s.profilePage},
		{Method: post, Path: "/account", Access: SignedIn, Handler: s.saveProfile},
		{Method: get, Path: "/account/password", Access: SignedIn, Handler: s.passwordPage, PasswordDue: true},
		{Method: post, Path: "/account/password", Access: SignedIn, Handler: s.changePassword, PasswordDue: true},
		{Method: get, Path: "/account/second-factor", Access: SignedIn, Handler: s.factorPage, StepUp: true},
		{Method: post, Path: "/account/second-factor", Access: SignedIn, Handler: s.enableFactor, StepUp: true},
		{Method: post, Path: "/account/second-factor/remove", Access: SignedIn, Handler: s.removeFactor, StepUp: true},
		{Method: post, Path: "/account/second-factor/codes", Access: SignedIn, Handler: s.newRecoveryCodes, StepUp: true},
		{Method: get, Path: "/account/sessions", Access: SignedIn, Handler: s.sessionsPage},
		{Method: post, Path: "/account/sessions/end", Access: SignedIn, Handler: s.endSession},
		{Method: get, Path: "/account/tokens", Access: SignedIn, Handler: s.tokensPage, StepUp: true},
		{Method: post, Path: "/account/tokens", Access: SignedIn, Handler: s.createToken, StepUp: true},
		{Method: post, Path: "/account/tokens/revoke", Access: SignedIn, Handler: s.revokeToken},
		{Method: get, Path: "/account/data", Access: SignedIn, Handler: s.ownData, StepUp: true},
		{Method: post, Path: "/account/notices/dismiss", Access: SignedIn, Handler: s.dismissNotice, PasswordDue: true},
		{Method: get, Path: "/account/activity", Access: SignedIn, Handler: s.activityPage},
	}
}

func (s *Server) userRoutes() []Route {
	return []Route{
		{Method: get, Path: "/dashboard", Access: SignedIn, Handler: s.dashboard},
		{Method: get, Path: "/users", Access: Admin, Handler: s.usersPage},
		{Method: get, Path: "/users/dormant", Access: Admin, Handler: s.dormantPage},
		{Method: get, Path: "/users/new", Access: Admin, Handler: s.newUserPage},
		{Method: get, Path: "/users/views", Access: Admin, Handler: s.viewsPage},
		{Method: post, Path: "/users/views", Access: Admin, Handler: s.saveView},
		{Method: post, Path: "/users/views/:id<int>", Access: Admin, Handler: s.changeView},
		{Method: post, Path: "/users/views/:id<int>/delete", Access: Admin, Handler: s.deleteView},
		{Method: post, Path: "/users", Access: Admin, Handler: s.createUser},
		{Method: get, Path: "/users/:id<int>", Access: Admin, Handler: s.userPage},
		{Method: post, Path: "/users/:id<int>", Access: Admin, Handler: s.editUser},
		{Method: get, Path: "/users/:id<int>/data", Access: Admin, Handler: s.userData, StepUp: true},
		{Method: post, Path: "/users/:id<int>/quick", Access: Admin, Handler: s.quickEdit},
		{Method: post, Path: "/users/:id<int>/delete", Access: Admin, Handler: s.deleteUser},
		{Method: post, Path: "/users/:id<int>/restore", Access: Admin, Handler: s.restoreUser},
		{Method: post, Path: "/users/:id<int>/purge", Access: Admin, Handler: s.purgeUser, StepUp: true},
		{Method: post, Path: "/users/:id<int>/unlock", Access: Admin, Handler: s.unlockUser},
		{Method: post, Path: "/users/:id<int>/link", Access: Admin, Handler: s.issueLink, StepUp: true},
		{Method: post, Path: "/users/:id<int>/link/revoke", Access: Admin, Handler: s.revokeLinks},
		{Method: post, Path: "/users/:id<int>/second-factor/remove", Access: Admin, Handler: s.resetFactor, StepUp: true},
		{Method: post, Path: "/users/:id<int>/sessions/end", Access: Admin, Handler: s.endUserSessions},
		{Method: post, Path: "/users/:id<int>/tokens/revoke", Access: Admin, Handler: s.revokeUserToken},
		{Method: get, Path: "/audit/export", Access: Admin, Handler: s.exportAudit, StepUp: true},
		{Method: get, Path: "/audit", Access: Admin, Handler: s.auditPage},
	}
}

func (s *Server) bulkRoutes() []Route {
	return []Route{
		{Method: post, Path: "/users/bulk", Access: Admin, Handler: s.bulkPreview},
		{Method: post, Path: "/users/bulk/apply", Access: Admin, Handler: s.bulkApply, StepUp: true},
		{Method: post, Path: "/users/bulk/invitations", Access: Admin, Handler: s.invitationsFile},
		{Method: post, Path: "/users/bulk/undo", Access: Admin, Handler: s.bulkUndo},
		{Method: get, Path: "/users/export", Access: Admin, Handler: s.exportUsers, StepUp: true},
		{Method: get, Path: "/users/import", Access: Admin, Handler: s.importPage},
		{Method: post, Path: "/users/import", Access: Admin, Handler: s.importPreview},
		{Method: post, Path: "/users/import/apply", Access: Admin, Handler: s.importApply, StepUp: true},
	}
}

func (s *Server) apiRoutes() []Route {
	read, write := auth.ScopeRead, auth.ScopeWrite
	return []Route{
		{Method: get, Path: "/api/openapi.json", Access: Public, Handler: s.openAPI, NoDatabase: true, API: true},
		{Method: get, Path: "/api/users", Access: SignedIn, Handler: s.apiList, API: true, Scope: read},
		{Method: post, Path: "/api/users", Access: Admin, Handler: s.apiCreate, API: true, Scope: write},
		{Method: get, Path: "/api/users/:id<int>", Access: SignedIn, Handler: s.apiGet, API: true, Scope: read},
		{Method: patch, Path: "/api/users/:id<int>", Access: SignedIn, Handler: s.apiUpdate, API: true, Scope: write},
		{Method: del, Path: "/api/users/:id<int>", Access: Admin, Handler: s.apiDelete, API: true, Scope: write},
	}
}

// allowedMethods lists the methods declared for a path, for 405 and its Allow header.
func (s *Server) allowedMethods(path string) []string {
	var methods []string
	for _, route := range s.routes {
		if fiber.RoutePatternMatch(path, route.Path) {
			methods = append(methods, route.Method)
			if route.Method == fiber.MethodGet {
				methods = append(methods, fiber.MethodHead)
			}
		}
	}
	return methods
}

func isAPIPath(path string) bool { return strings.HasPrefix(path, "/api/") }
