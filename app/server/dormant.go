package server

import (
	"strconv"

	"github.com/gofiber/fiber/v2"

	"usermanagement.dev/stack/app/users"
	"usermanagement.dev/stack/app/web"
)

// triedDays is what the preview shows where there is no policy and nobody asked for another number of days.
const triedDays = 180

// dormantPage tells whom the policy is about, or whom another one would be; it changes nothing.
func (s *Server) dormantPage(c *fiber.Ctx) error {
	p := web.DormantView{Policy: s.cfg.DormantAfter, Days: s.cfg.DormantAfter}
	if p.Days == 0 {
		p.Days = triedDays
	}
	if n, err := strconv.Atoi(c.Query("days")); err == nil {
		p.Days = min(max(n, users.MinDormantDays), users.MaxDormantDays)
	}
	var err error
	if p.Preview, err = s.users.PreviewDormant(c.UserContext(), p.Days); err != nil {
		return err
	}
	return s.ok(c, web.DormantPage(s.view(c, "dormant.title"), p))
}
