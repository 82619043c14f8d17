package server

import (
	"net/netip"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"usermanagement.dev/stack/app/audit"
	"usermanagement.dev/stack/app/auth"
	"usermanagement.dev/stack/app/users"
	"usermanagement.dev/stack/app/web"
)

// state is what is known of a request.
type state struct {
	id    string
	ip    string
	route *Route
	// cookie is the session's token if there is a session, else the anonymous one: form tokens are bound to it.
	cookie  string
	session *auth.Session
	token   *auth.APIToken
	user    *users.User
	// lapsed says that the browser sent the cookie of a session that has ended.
	lapsed bool
	prefs  web.Preferences
}

const stateKey = "state"

func current(c *fiber.Ctx) *state {
	if st, ok := c.Locals(stateKey).(*state); ok {
		return st
	}
	st := &state{id: auth.NewHandle(), prefs: web.DefaultPreferences()}
	c.Locals(stateKey, st)
	return st
}

func (st *state) actor() audit.Actor {
	a := audit.Actor{RequestID: st.id, IP: st.ip}
	if st.user != nil {
		a.ID, a.Name = st.user.ID, st.user.Username
	}
	return a
}

func (s *Server) client(c *fiber.Ctx) auth.Client {
	st := current(c)
	return auth.Client{
		IP:        st.ip,
		UserAgent: c.Get(fiber.HeaderUserAgent),
		RequestID: st.id,
		Device:    c.Cookies(s.cookieName("device")),
	}
}

// clientIP is the address of the client: the peer, or, as long as the hop is a proxy that is trusted, the hop before it,
// read from the right. What stands left of the first untrusted hop is whatever the client wrote.
func clientIP(peer netip.Addr, forwardedFor string, trusted []netip.Prefix) netip.Addr {
	addr := peer.Unmap()
	hops := strings.Split(forwardedFor, ",")
	for i := len(hops) - 1; i >= 0 && isTrusted(addr, trusted); i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		addr = hop.Unmap().WithZone("")
	}
	return addr
}

func isTrusted(addr netip.Addr, trusted []netip.Prefix) bool {
	for _, prefix := range trusted {
		if prefix.Contains(addr) {
			return true
		}
	}
	return false
}

func (s *Server) requestIP(c *fiber.Ctx) string {
	peer, ok := netip.AddrFromSlice(c.Context().RemoteIP())
	if !ok {
		return ""
	}
	return clientIP(peer, c.Get(fiber.HeaderXForwardedFor), s.cfg.TrustedProxies).String()
}

// Cookies carry the __Host- prefix wherever browsers allow it: no other host and no plain connection can set them.
func (s *Server) cookieName(name string) string {
	if s.cfg.SecureCookies() {
		return "__Host-" + name
	}
	return name
}

const yearSeconds = 365 * 24 * 3600

func (s *Server) setCookie(c *fiber.Ctx, name, value string, maxAge int) {
	c.Cookie(&fiber.Cookie{
		Name: s.cookieName(
			name,
		), Value: value, Path: "/", HTTPOnly: true, Secure: s.cfg.SecureCookies(), SameSite: "Lax", MaxAge: maxAge,
	})
}

func (s *Server) dropCookie(c *fiber.Ctx, name string) {
	c.Cookie(&fiber.Cookie{
		Name: s.cookieName(name), Path: "/", HTTPOnly: true, Secure: s.cfg.SecureCookies(), SameSite: "Lax", Expires: time.Unix(1, 0),
	})
}

// startSession hands a session's token to the browser.
func (s *Server) startSession(c *fiber.Ctx, token string) {
	s.setCookie(c, "sid", token, 0)
	s.dropCookie(c, "anon")
}

// safeNext is a path on this site to go on to; anything else becomes "/".
func safeNext(next string) string {
	if !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n\t") {
		return "/"
	}
	return next
}

func wantsJSON(c *fiber.Ctx) bool { return isAPIPath(c.Path()) }
