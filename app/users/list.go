package users

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/uptrace/bun"
)

// Page is a stretch of a list.
type Page struct {
	Users []User
	// Next and Prev are cursors, empty where the list ends.
	Next, Prev string
}

// CountLimit is up to where matches are counted; beyond it, a list says "10,000+".
const CountLimit = 10_000

// smallTable is up to how many rows a search may look into the middle of words, which no index helps with.
const smallTable = 20_000

// List returns a page. It reads by key, never by offset, so the last page costs what the first one does and rows that
// come and go meanwhile are neither shown twice nor skipped.
func (s *Service) List(ctx context.Context, q Query) (Page, error) { return s.list(ctx, q, readWhole) }

// list reads a page by a function that carries out what is asked for, at most so many rows.
func (s *Service) list(
	ctx context.Context, q Query, read func(context.Context, *bun.SelectQuery, int) ([]User, error),
) (Page, error) {
	var page Page
	sel, err := s.filtered(ctx, q)
	if err != nil {
		return page, err
	}
	at, value, resumed := parseCursor(q.Cursor, q.Sort)
	desc := q.Desc
	if resumed {
		desc = desc != at.Back
		after(sel, sortColumn(q.Sort), value, at.ID, desc)
	}
	direction := bun.Safe("ASC")
	if desc {
		direction = "DESC"
	}
	sel.OrderExpr("? ?, id ?", bun.Ident(sortColumn(q.Sort)), direction, direction)
	if page.Users, err = read(ctx, sel.Limit(int64(q.Size)+1), q.Size+1); err != nil {
		return page, fmt.Errorf("list users: %w", err)
	}
	more := len(page.Users) > q.Size
	if more {
		page.Users = page.Users[:q.Size]
	}
	if resumed && at.Back {
		slices.Reverse(page.Users)
	}
	page.link(q.Sort, more, resumed, resumed && at.Back)
	return page, nil
}

// readWhole reads every column.
func readWhole(ctx context.Context, sel *bun.SelectQuery, most int) ([]User, error) {
	list := make([]User, 0, most)
	err := sel.Model(&list).Scan(ctx)
	return list, err
}

// link fills the cursors in: more says that rows go on in the direction of reading, resumed that there is something behind.
func (p *Page) link(sort string, more, resumed, back bool) {
	n := len(p.Users)
	if n == 0 {
		return
	}
	if more || back {
		p.Next = cursorAt(&p.Users[n-1], sort, false)
	}
	if more && back || resumed && !back {
		p.Prev = cursorAt(&p.Users[0], sort, true)
	}
}

func sortColumn(sort string) string {
	switch sort {
	case FieldUsername, FieldEmail:
		return sort + "_key"
	}
	return sort
}

// after keeps what comes after a row in the order. It is spelt out, because the short form (a, b) > (x, y) reads the
// whole index on MariaDB. NULL comes first in ascending order.
func after(sel *bun.SelectQuery, column string, value any, id int64, desc bool) {
	col := bun.Ident(column)
	switch {
	case value == nil && desc:
		sel.Where("? IS NULL AND id < ?", col, id)
	case value == nil:
		sel.Where("(? IS NULL AND id > ?) OR ? IS NOT NULL", col, id, col)
	case desc && canBeNull(column):
		sel.Where("? < ? OR (? = ? AND id < ?) OR ? IS NULL", col, value, col, value, id, col)
	case desc:
		sel.Where("? < ? OR (? = ? AND id < ?)", col, value, col, value, id)
	default:
		sel.Where("? > ? OR (? = ? AND id > ?)", col, value, col, value, id)
	}
}

// filtered is the people that a query chooses, in no order.
func (s *Service) filtered(ctx context.Context, q Query) (*bun.SelectQuery, error) {
	sel := s.db.NewSelect().Model((*User)(nil))
	inState(sel, q.State)
	if q.Role != Any {
		sel.Where("role = ?", q.Role)
	}
	switch q.MFA {
	case Yes:
		sel.Where("totp_enabled_at IS NOT NULL")
	case No:
		sel.Where("totp_enabled_at IS NULL")
	}
	switch q.Login {
	case LoginNever:
		sel.Where("last_login_at IS NULL")
	case LoginDormant:
		sel.Where("last_login_at < UTC_TIMESTAMP(6) - INTERVAL 90 DAY")
	case LoginRecent:
		sel.Where("last_login_at >= UTC_TIMESTAMP(6) - INTERVAL 90 DAY")
	}
	if q.CreatedFrom != "" {
		sel.Where("created_at >= ?", q.CreatedFrom)
	}
	if q.CreatedTo != "" {
		sel.Where("created_at < ? + INTERVAL 1 DAY", q.CreatedTo)
	}
	if q.Search == "" {
		return sel, nil
	}
	small, err := s.isSmall(ctx)
	if err != nil {
		return nil, err
	}
	search(sel, q.Search, small)
	return sel, nil
}

// inState chooses people by what they can do now, by the database's clock.
func inState(sel *bun.SelectQuery, state string) {
	if state == StateDeleted {
		sel.Where("deleted_at IS NOT NULL")
		return
	}
	sel.Where("deleted_at IS NULL")
	switch state {
	case StateActive:
		sel.Where("status = ?", StatusActive).Where("expires_at IS NULL OR expires_at > UTC_TIMESTAMP(6)")
	case StateOff:
		sel.Where("status = ?", StatusDisabled)
	case StateTemporary:
		sel.Where("expires_at > UTC_TIMESTAMP(6)")
	case StateExpired:
		sel.Where("expires_at <= UTC_TIMESTAMP(6)")
	case StateInvited:
		sel.Where("password_hash = ''")
	case StateLocked:
		sel.Where("locked_until > UTC_TIMESTAMP(6)")
	}
}

var likeEscape = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// search matches an id as pasted from a log, and parts of names. On a large table only beginnings match, by index.
func search(sel *bun.SelectQuery, text string, small bool) {
	pattern := likeEscape.Replace(text)
	sel.WhereGroup(" AND ", func(g *bun.SelectQuery) *bun.SelectQuery {
		if id, err := strconv.ParseInt(text, 10, 64); err == nil {
			g.WhereOr("id = ?", id)
		}
		if small {
			contains := "%" + pattern + "%"
			return g.WhereOr("username LIKE ?", contains).WhereOr("email LIKE ?", contains).WhereOr("display_name LIKE ?", contains)
		}
		g.WhereOr("username_key LIKE ?", string(UsernameKey(pattern))+"%").WhereOr("email_key LIKE ?", string(EmailKey(pattern))+"%")
		if words := fulltext(text); words != "" {
			g.WhereOr("MATCH (username, email, display_name) AGAINST (? IN BOOLEAN MODE)", words)
		}
		return g
	})
}

// fulltext writes words for a boolean search: each must begin a word of the row. Operators typed by the user are dropped.
func fulltext(text string) string {
	words := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" +-><()~*\"@.,;:'_", r) })
	var out []string
	for _, word := range words {
		if len([]rune(word)) >= 3 {
			out = append(out, "+"+word+"*")
		}
	}
	return strings.Join(out, " ")
}

// Count counts the people that a query chooses, up to CountLimit+1.
func (s *Service) Count(ctx context.Context, q Query) (int, error) {
	sel, err := s.filtered(ctx, q)
	if err != nil {
		return 0, err
	}
	var n int
	inner := sel.ColumnExpr("1").Limit(CountLimit + 1)
	if err := s.db.NewSelect().TableExpr("(?) AS t", inner).ColumnExpr("COUNT(*)").Scan(ctx, &n); err != nil {
		return 0, fmt.Errorf("count users: %w", err)
	}
	return n, nil
}

// Facets are how many people each choice of a filter would leave, with the other filters as they are.
type Facets map[string]map[string]int

// facetChoices are the filters that show counts.
var facetChoices = map[string][]string{
	FieldRole:   {string(RoleAdmin), string(RoleUser)},
	FieldStatus: {StateActive, StateOff, StateLocked, StateInvited, StateTemporary, StateExpired, StateDeleted},
	"mfa":       {Yes, No},
	"login":     {LoginRecent, LoginDormant, LoginNever},
}

// Facets counts each choice, capped like Count. Counts may be a few seconds old.
func (s *Service) Facets(ctx context.Context, q Query) (Facets, error) {
	facets := Facets{}
	for name, choices := range facetChoices {
		facets[name] = map[string]int{}
		for _, choice := range choices {
			n, err := s.cachedCount(ctx, q.With(name, choice))
			if err != nil {
				return nil, err
			}
			facets[name][choice] = n
		}
	}
	return facets, nil
}

// countCache holds counts for a few seconds; they are hints, and may be stale on any host.
type countCache struct {
	mu sync.Mutex
	// counting lets one request count while the others wait for its result, so that a large table is read once.
	counting sync.Mutex
	counts   map[string]cachedCount
}

type cachedCount struct {
	n     int
	until time.Time
}

const (
	countTTL     = 5 * time.Second
	maxCachedSet = 2000
)

func (s *Service) cachedCount(ctx context.Context, q Query) (int, error) {
	v := q.Values()
	v.Del("sort")
	v.Del("size")
	v.Del("cols")
	key, now := v.Encode(), time.Now()
	s.cache.mu.Lock()
	hit, ok := s.cache.counts[key]
	s.cache.mu.Unlock()
	if ok && now.Before(hit.until) {
		return hit.n, nil
	}
	s.cache.counting.Lock()
	defer s.cache.counting.Unlock()
	s.cache.mu.Lock()
	hit, ok = s.cache.counts[key]
	s.cache.mu.Unlock()
	if now = time.Now(); ok && now.Before(hit.until) {
		return hit.n, nil
	}
	n, err := s.Count(ctx, q)
	if err != nil {
		return 0, err
	}
	// What took long to count is kept longer.
	now = now.Add(min(time.Minute, 50*time.Since(now)))
	s.cache.mu.Lock()
	defer s.cache.mu.Unlock()
	if s.cache.counts == nil || len(s.cache.counts) > maxCachedSet {
		s.cache.counts = map[string]cachedCount{}
	}
	s.cache.counts[key] = cachedCount{n: n, until: now.Add(countTTL)}
	return n, nil
}

// isSmall says whether the table is small enough for searches that read all of it.
func (s *Service) isSmall(ctx context.Context) (bool, error) {
	const key = "\x00size"
	s.cache.mu.Lock()
	hit, ok := s.cache.counts[key]
	s.cache.mu.Unlock()
	if ok && time.Now().Before(hit.until) {
		return hit.n <= smallTable, nil
	}
	var n int
	err := s.db.NewRaw("SELECT COUNT(*) FROM (SELECT 1 FROM users LIMIT ?) AS t", smallTable+1).Scan(ctx, &n)
	if err != nil {
		return false, fmt.Errorf("estimate the number of users: %w", err)
	}
	s.cache.mu.Lock()
	defer s.cache.mu.Unlock()
	if s.cache.counts == nil {
		s.cache.counts = map[string]cachedCount{}
	}
	s.cache.counts[key] = cachedCount{n: n, until: time.Now().Add(time.Minute)}
	return n <= smallTable, nil
}
