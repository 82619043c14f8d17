package users

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"usermanagement.dev/stack/app/audit"
	"usermanagement.dev/stack/app/password"
	"usermanagement.dev/stack/app/store"
)

const (
	// MaxImportBytes is the largest file that is imported.
	MaxImportBytes = 2 << 20
	// MaxImportRows is how many people one import adds.
	MaxImportRows = 5000
)

// exportColumns are the columns of an export, which an import takes too where they mean something.
var exportColumns = []string{
	"id",
	FieldUsername,
	FieldEmail,
	FieldDisplayName,
	FieldRole,
	FieldStatus,
	"second_factor",
	FieldLastLogin,
	FieldCreated,
	"created_by",
	FieldExpires,
}

// safeCell keeps a spreadsheet from taking a text for a formula.
func safeCell(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}

// SafeCells are texts that a spreadsheet takes for texts.
func SafeCells(cells ...string) []string {
	safe := make([]string, len(cells))
	for i, cell := range cells {
		safe[i] = safeCell(cell)
	}
	return safe
}

// plainCell undoes safeCell, so that an export can be imported again.
func plainCell(s string) string {
	if len(s) > 1 && s[0] == '\'' && strings.ContainsRune("=+-@\t\r", rune(s[1])) {
		return s[1:]
	}
	return s
}

// CSV writes rows that no spreadsheet takes for formulas.
type CSV struct{ out *csv.Writer }

// NewCSV writes to w, with the line ends that RFC 4180 wants.
func NewCSV(w io.Writer) *CSV {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	return &CSV{out: out}
}

// Write adds a row.
func (c *CSV) Write(cells ...string) error {
	if err := c.out.Write(SafeCells(cells...)); err != nil {
		return fmt.Errorf("write the export: %w", err)
	}
	return nil
}

// Flush ends the writing.
func (c *CSV) Flush() error {
	c.out.Flush()
	return c.out.Error()
}

// Export writes everybody that the query chooses, in its order, page by page.
func (s *Service) Export(ctx context.Context, w io.Writer, q Query) (int, error) {
	out := NewCSV(w)
	if err := out.Write(exportColumns...); err != nil {
		return 0, err
	}
	q.Size, q.Cursor = 500, ""
	count := 0
	for {
		page, err := s.List(ctx, q)
		if err != nil {
			return count, err
		}
		for i := range page.Users {
			if err := out.Write(exportRow(&page.Users[i])...); err != nil {
				return count, err
			}
		}
		count += len(page.Users)
		if q.Cursor = page.Next; q.Cursor == "" {
			break
		}
	}
	return count, out.Flush()
}

func exportRow(u *User) []string {
	status := string(u.Status)
	if u.DeletedAt != nil {
		status = StateDeleted
	}
	last, end := "", ""
	if u.LastLoginAt != nil {
		last = u.LastLoginAt.UTC().Format(time.RFC3339)
	}
	if u.ExpiresAt != nil {
		end = u.ExpiresAt.UTC().Format(time.RFC3339)
	}
	return []string{
		strconv.FormatInt(u.ID, 10), u.Username, u.Email, u.DisplayName, string(u.Role), status, yesNo(u.HasMFA()), last,
		u.CreatedAt.UTC().Format(time.RFC3339), u.CreatedBy, end,
	}
}

// ImportRow is a line of an import and what it would do or did.
type ImportRow struct {
	Line     int
	Username string
	Email    string
	Role     Role
	Outcome  string // "create", "exists" or "error"
	Problems map[string]Problem

	draft Draft
	hash  string
}

// Outcomes of import rows.
const (
	ImportCreate = "create"
	ImportExists = "exists"
	ImportError  = "error"
)

// ImportReport is what an import would do or did.
type ImportReport struct {
	Rows                   []ImportRow
	Create, Exists, Errors int
}

// FileError says that a file cannot be read as an import at all. Key is of the message catalogue.
type FileError struct {
	Key  string
	Line int
}

// Error implements error.
func (e *FileError) Error() string { return fmt.Sprintf("import: %s (line %d)", e.Key, e.Line) }

// PlanImport reads a CSV file and tells, row by row, what importing it would do. It changes nothing. Columns are found by
// the names in the first line: username and email must be there; display_name, role, status, expires_at
// and password_hash may be.
func (s *Service) PlanImport(ctx context.Context, data []byte) (*ImportReport, error) {
	rows, err := readImport(data)
	if err != nil {
		return nil, err
	}
	if err := s.markExisting(ctx, s.db, rows); err != nil {
		return nil, err
	}
	report := &ImportReport{Rows: rows}
	for _, row := range rows {
		switch row.Outcome {
		case ImportCreate:
			report.Create++
		case ImportExists:
			report.Exists++
		default:
			report.Errors++
		}
	}
	return report, nil
}

func readImport(data []byte) ([]ImportRow, error) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	switch {
	case len(data) > MaxImportBytes:
		return nil, &FileError{Key: "import.too_large"}
	case len(bytes.TrimSpace(data)) == 0:
		return nil, &FileError{Key: "import.empty"}
	case !utf8.Valid(data) || bytes.IndexByte(data, 0) >= 0:
		return nil, &FileError{Key: "import.not_text"}
	}
	in := csv.NewReader(bytes.NewReader(data))
	in.ReuseRecord = true
	in.Comma = delimiter(data)
	header, err := in.Read()
	if err != nil {
		return nil, csvError(err)
	}
	columns := map[string]int{}
	for i, name := range header {
		columns[strings.ToLower(strings.TrimSpace(name))] = i
	}
	if _, ok := columns[FieldUsername]; !ok {
		return nil, &FileError{Key: "import.no_header", Line: 1}
	}
	if _, ok := columns[FieldEmail]; !ok {
		return nil, &FileError{Key: "import.no_header", Line: 1}
	}
	return readRows(in, columns)
}

// delimiter is the semicolon where the first line has more of it, as spreadsheets of many countries write.
func delimiter(data []byte) rune {
	first, _, _ := bytes.Cut(data, []byte("\n"))
	if bytes.Count(first, []byte(";")) > bytes.Count(first, []byte(",")) {
		return ';'
	}
	return ','
}

func csvError(err error) error {
	if parse, ok := errors.AsType[*csv.ParseError](err); ok {
		return &FileError{Key: "import.malformed", Line: parse.Line}
	}
	return &FileError{Key: "import.malformed"}
}

func readRows(in *csv.Reader, columns map[string]int) ([]ImportRow, error) {
	var rows []ImportRow
	seen := map[string]bool{}
	for {
		record, err := in.Read()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return nil, csvError(err)
		}
		if len(rows) >= MaxImportRows {
			return nil, &FileError{Key: "import.too_many"}
		}
		line, _ := in.FieldPos(0)
		cell := func(name string) string {
			if i, ok := columns[name]; ok && i < len(record) {
				return strings.TrimSpace(plainCell(strings.Clone(record[i])))
			}
			return ""
		}
		row := importRow(line, cell)
		for field, key := range map[string]string{
			FieldUsername: "u" + string(UsernameKey(row.draft.Username)), FieldEmail: "e" + string(EmailKey(row.draft.Email)),
		} {
			if seen[key] && row.Problems[field] == "" {
				row.Outcome, row.Problems[field] = ImportError, "import.twice"
			}
			seen[key] = true
		}
		rows = append(rows, row)
	}
}

func importRow(line int, cell func(string) string) ImportRow {
	d := Draft{
		Username: cell(
			FieldUsername,
		), Email: cell(FieldEmail), DisplayName: cell(FieldDisplayName), Role: Role(cell(FieldRole)), Status: Status(cell(FieldStatus)),
		ExpiresAt: cell(FieldExpires),
	}
	if d.Role == "" {
		d.Role = RoleUser
	}
	if d.Status == "" {
		d.Status = StatusActive
	}
	row := ImportRow{
		Line: line, Username: d.Username, Email: d.Email, Role: d.Role, Outcome: ImportCreate, draft: d, hash: cell("password_hash"),
	}
	u := &User{}
	row.Problems = Patch{
		Username:    &d.Username,
		Email:       &d.Email,
		DisplayName: &d.DisplayName,
		Role:        &d.Role,
		Status:      &d.Status,
		ExpiresAt:   &d.ExpiresAt,
	}.apply(
		u,
	)
	if row.hash != "" && !password.Known(row.hash) {
		row.Problems["password_hash"] = "import.bad_hash"
	}
	if len(row.Problems) > 0 {
		row.Outcome = ImportError
	}
	return row
}

// markExisting finds the rows whose name or address somebody has already.
func (s *Service) markExisting(ctx context.Context, db bun.IDB, rows []ImportRow) error {
	for part := range slices.Chunk(rows, 500) {
		var names, addresses [][]byte
		for _, row := range part {
			names = append(names, UsernameKey(row.draft.Username))
			addresses = append(addresses, EmailKey(row.draft.Email))
		}
		var found []User
		err := db.NewSelect().Model(&found).Column("username_key", "email_key").Where("deleted_at IS NULL").
			Where("username_key IN (?) OR email_key IN (?)", bun.List(names), bun.List(addresses)).Scan(ctx)
		if err != nil {
			return fmt.Errorf("look for people that exist: %w", err)
		}
		taken := map[string]bool{}
		for _, u := range found {
			taken["u"+string(u.UsernameKey)], taken["e"+string(u.EmailKey)] = true, true
		}
		for i := range part {
			d := part[i].draft
			if part[i].Outcome == ImportCreate && (taken["u"+string(UsernameKey(d.Username))] || taken["e"+string(EmailKey(d.Email))]) {
				part[i].Outcome = ImportExists
			}
		}
	}
	return nil
}

// Import adds the people of a file that do not exist yet, all or none. A file with errors changes nothing.
func (s *Service) Import(ctx context.Context, actor audit.Actor, data []byte) (*ImportReport, error) {
	report, err := s.PlanImport(ctx, data)
	if err != nil {
		return nil, err
	}
	if report.Errors > 0 {
		return report, &FileError{Key: "import.has_errors"}
	}
	err = store.InTx(ctx, s.db, func(ctx context.Context, tx bun.Tx) error {
		var people []User
		now, err := store.Now(ctx, tx)
		if err != nil {
			return err
		}
		for _, row := range report.Rows {
			if row.Outcome != ImportCreate {
				continue
			}
			u, invalid := s.draftUser(ctx, row.draft)
			if invalid != nil {
				return invalid
			}
			u.PasswordHash, u.CreatedAt, u.UpdatedAt, u.CreatedBy = row.hash, now, now, actor.Name
			people = append(people, *u)
		}
		return insertMany(ctx, tx, actor, people)
	})
	if _, dup := store.IsDuplicate(err); dup {
		return report, &FileError{Key: "import.changed"}
	}
	return report, err
}

func insertMany(ctx context.Context, tx bun.Tx, actor audit.Actor, people []User) error {
	var events []audit.Event
	for part := range slices.Chunk(people, 250) {
		if _, err := tx.NewInsert().Model(&part).Exec(ctx); err != nil {
			return fmt.Errorf("add people: %w", err)
		}
		var keys [][]byte
		for _, u := range part {
			keys = append(keys, u.UsernameKey)
		}
		// The ids are read back: what the driver returns for many rows depends on the server's settings.
		var added []User
		if err := tx.NewSelect().Model(&added).Where("username_key IN (?)",
			bun.List(keys)).Where("deleted_at IS NULL").Order("id").Scan(ctx); err != nil {
			return fmt.Errorf("read the people that were added: %w", err)
		}
		for i := range added {
			events = append(
				events,
				audit.Event{Action: "user.import", TargetID: added[i].ID, Target: added[i].Username, Changes: changes(&User{}, &added[i])},
			)
		}
	}
	return audit.Append(ctx, tx, actor, events...)
}
