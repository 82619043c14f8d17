package server

import (
	"bytes"
	"context"
	"net/url"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"

	"usermanagement.dev/stack/app/audit"
	"usermanagement.dev/stack/app/users"
	"usermanagement.dev/stack/app/web"
)

func auditQuery(c *fiber.Ctx) audit.Query {
	q := audit.Query{Actor: c.Query("actor"), Action: c.Query("action"), Limit: 50}
	q.TargetID, _ = strconv.ParseInt(c.Query("target"), 10, 64)
	q.Before, _ = strconv.ParseInt(c.Query("before"), 10, 64)
	return q
}

func (s *Server) auditPage(c *fiber.Ctx) error {
	q := auditQuery(c)
	entries, more, err := audit.List(c.UserContext(), s.db, q)
	if err != nil {
		return err
	}
	next := ""
	if more {
		v := url.Values{
			"actor":  {q.Actor},
			"action": {q.Action},
			"target": {c.Query("target")},
			"before": {strconv.FormatInt(entries[len(entries)-1].ID, 10)},
		}
		next = "/audit?" + v.Encode()
	}
	return s.ok(c, web.AuditPage(s.view(c, "nav.audit"), entryViews(current(c).prefs.Lang, entries), q, next))
}

// maxAuditExport bounds what an export holds in memory; older entries are reached by a narrower filter.
const maxAuditExport = 50_000

// exportAudit gives the entries that the filter chooses as CSV, newest first, and is itself recorded.
func (s *Server) exportAudit(c *fiber.Ctx) error {
	var out bytes.Buffer
	n, err := s.writeAudit(c.UserContext(), &out, auditQuery(c))
	if err != nil {
		return err
	}
	event := audit.Event{Action: "audit.export", Changes: []audit.Change{{Field: "rows", After: strconv.Itoa(n)}}}
	if err := s.users.Record(c.UserContext(), current(c).actor(), event); err != nil {
		return err
	}
	return sendCSV(c, "audit", out.Bytes())
}

func (s *Server) writeAudit(ctx context.Context, out *bytes.Buffer, q audit.Query) (int, error) {
	w := users.NewCSV(out)
	if err := w.Write("id", "at", "actor", "action", "target_id", "target", "changes", "request_id", "ip"); err != nil {
		return 0, err
	}
	q.Limit = 200
	for n := 0; ; {
		entries, more, err := audit.List(ctx, s.db, q)
		if err != nil {
			return n, err
		}
		for i := range entries {
			e := &entries[i]
			err := w.Write(strconv.FormatInt(e.ID, 10), e.At.UTC().Format(time.RFC3339Nano), e.Actor, e.Action,
				strconv.FormatInt(e.TargetID, 10), e.Target, e.Changes, e.RequestID, e.IP)
			if err != nil {
				return n, err
			}
		}
		if n += len(entries); !more || n >= maxAuditExport {
			return n, w.Flush()
		}
		q.Before = entries[len(entries)-1].ID
	}
}

// sendCSV sends a file with the day in its name.
func sendCSV(c *fiber.Ctx, name string, body []byte) error {
	c.Attachment(name + "-" + time.Now().UTC().Format(time.DateOnly) + ".csv")
	c.Set(fiber.HeaderContentType, "text/csv; charset=utf-8")
	return c.Send(body)
}
