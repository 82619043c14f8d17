package migrations

import (
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"testing"
)

// Hosts of the release before serve on the schema that a step leaves: while the release is rolled out, and for good if it is
// withdrawn. A step may therefore only add what they need not know of. Which statements do, is decided by their text, also
// where a statement stands in a string because a step has to run twice.

// contracting marks a file that takes away, and says since which release nothing needs what it takes.
var contracting = regexp.MustCompile(`(?m)^-- contracts, safe from (?:the first release|release v?\d[\w.\-]*) on: \S`)

const (
	whyTaken = "it takes away, or changes, what hosts of the release before still use: they serve beside this one while it is rolled out, " +
		"and go on for good if it is withdrawn"
	whyRefused = "hosts of the release before do not know of it, and what they write would be refused"
	whyUnknown = "it is not among what a step may do: CREATE TABLE, ADD COLUMN that may be NULL or has a DEFAULT, ADD INDEX, INSERT, UPDATE"
	twoSteps   = "Take two releases: in this one add what is new, write both and need neither; in a later one take the old away, in a file " +
		"with the line \"-- contracts, safe from release X on: why\", where X is the first release that does without (docs/adr/0013)"
)

// TestStepsOnlyExpand looks at the text of every step.
func TestStepsOnlyExpand(t *testing.T) {
	names, err := fs.Glob(files, "sql/*.sql")
	if err != nil || len(names) == 0 {
		t.Fatalf("steps %v, error %v", names, err)
	}
	for _, name := range names {
		text, err := files.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, why := range expansion(string(text)) {
			t.Errorf("%s: %s", name, why)
		}
	}
}

// TestWhatAStepMayDoAndMayNot is about statements that somebody may come to write.
func TestWhatAStepMayDoAndMayNot(t *testing.T) {
	for statement, want := range map[string]string{
		"CREATE TABLE IF NOT EXISTS pets (id BIGINT NOT NULL PRIMARY KEY, name VARCHAR(9) NOT NULL, UNIQUE KEY u (name))": "",
		"ALTER TABLE users ADD COLUMN pet VARCHAR(9) NULL, ADD KEY ix (pet, id)":                                          "",
		"ALTER TABLE users ADD pet DECIMAL(9, 2)":                                                                         "",
		"ALTER TABLE users -- why\n  ADD COLUMN pets INT NOT NULL DEFAULT 0":                                              "",
		"ALTER TABLE users ADD COLUMN pet TINYINT GENERATED ALWAYS AS (IF(id > 0, 1, NULL)) VIRTUAL":                      "",
		"CREATE INDEX ix ON users (pet)":                                                                                  "",
		"UPDATE users SET pet = 'DROP in; the ocean' WHERE pet IS NULL":                                                   "",
		"INSERT IGNORE INTO settings (name, value) VALUES ('pets', 'it''s')":                                              "",

		"DROP TABLE users":                    whyTaken,
		"drop index ix_users_role on users":   whyTaken,
		"RENAME TABLE users TO people":        whyTaken,
		"TRUNCATE TABLE links":                whyTaken,
		"DELETE FROM links":                   whyTaken,
		"ALTER TABLE users DROP COLUMN email": whyTaken,
		"ALTER TABLE users ADD COLUMN pet INT NULL, DROP KEY ix_users_role":                          whyTaken,
		"ALTER TABLE users RENAME COLUMN email TO mail":                                              whyTaken,
		"ALTER TABLE users CHANGE email mail VARCHAR(9) NULL":                                        whyTaken,
		"ALTER TABLE `users` MODIFY email VARCHAR(9) NOT NULL":                                       whyTaken,
		"ALTER TABLE users ALTER COLUMN email SET DEFAULT ''":                                        whyTaken,
		"ALTER TABLE users ADD COLUMN pet VARCHAR(9) NOT NULL":                                       whyRefused,
		"ALTER TABLE users ADD COLUMN a DECIMAL(9, 2) NULL, ADD COLUMN b INT NOT NULL":               whyRefused,
		"ALTER TABLE users ADD UNIQUE KEY uq (display_name)":                                         whyRefused,
		"ALTER TABLE links ADD CONSTRAINT fk FOREIGN KEY (user_id) REFERENCES users (id)":            whyRefused,
		"CREATE TABLE pets (owner BIGINT UNSIGNED, FOREIGN KEY (owner) REFERENCES users (id))":       whyRefused,
		"CREATE UNIQUE INDEX uq ON users (display_name)":                                             whyRefused,
		"CREATE TRIGGER t BEFORE INSERT ON users FOR EACH ROW SET NEW.role = 'user'":                 whyUnknown,
		"ALTER TABLE users ENGINE = Aria":                                                            whyUnknown,
		"SET @step = IF(@missing, 'ALTER TABLE users DROP COLUMN email', 'DO 0')":                    whyTaken,
		"INSERT INTO settings VALUES ('a', 'b')\n--bun:split\nDROP TABLE users":                      whyTaken,
		"-- contracts, safe from release v1.4.0 on: it reads mail\nALTER TABLE users DROP email":     "",
		"-- contracts, safe from the first release on: it never read it\nALTER TABLE users DROP pet": "",
		"-- contracts, safe from release v1.4.0\nALTER TABLE users DROP email":                       whyTaken,
		"-- contracts, safe from soon on: it reads mail\nALTER TABLE users DROP email":               whyTaken,
	} {
		got := strings.Join(expansion(statement), "\n")
		if (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%s\nis answered with %q, want %q", statement, got, want)
		}
	}
}

// expansion returns why a file of statements does more than expand the schema, a line for each statement that does.
func expansion(file string) []string {
	if contracting.MatchString(file) {
		return nil
	}
	var refused []string
	for _, statement := range statements(file) {
		if why := refusal(statement); why != "" {
			refused = append(refused, fmt.Sprintf("%s\n  %s.\n  %s.", statement, why, twoSteps))
		}
	}
	return refused
}

var (
	between     = regexp.MustCompile(`(?m)^--bun:split\s*$`)
	lineComment = regexp.MustCompile(`(?m)--\s.*$`)
	literal     = regexp.MustCompile(`'(?:[^'\\]|\\.|'')*'`)
	space       = regexp.MustCompile(`\s+`)
	// startsLikeSQL tells a statement in a string from a value.
	startsLikeSQL = regexp.MustCompile(`(?i)^\s*((ALTER|CREATE|DROP|RENAME|TRUNCATE)\s+(TABLE|(UNIQUE |FULLTEXT )?INDEX|TRIGGER|VIEW)\b|` +
		`(DELETE FROM|REPLACE INTO)\b)`)
)

// statements are the statements of a file without comments and values, and those that stand in its strings.
func statements(file string) []string {
	var all []string
	text := lineComment.ReplaceAllString(between.ReplaceAllString(file, ";"), "")
	text = literal.ReplaceAllStringFunc(text, func(quoted string) string {
		if inner := strings.Trim(quoted, "'"); startsLikeSQL.MatchString(inner) {
			all = append(all, statements(inner)...)
		}
		return "''"
	})
	for statement := range strings.SplitSeq(text, ";") {
		if statement = strings.TrimSpace(space.ReplaceAllString(statement, " ")); statement != "" {
			all = append(all, statement)
		}
	}
	return all
}

var (
	harmless = regexp.MustCompile(`(?i)^(SET @|PREPARE |EXECUTE |DEALLOCATE PREPARE |SELECT |DO |INSERT |UPDATE |` +
		`CREATE (FULLTEXT )?INDEX )`)
	createTable   = regexp.MustCompile(`(?i)^CREATE TABLE `)
	referring     = regexp.MustCompile(`(?i)\bREFERENCES\b`)
	createUnique  = regexp.MustCompile(`(?i)^CREATE UNIQUE INDEX `)
	alterTable    = regexp.MustCompile("(?i)^ALTER TABLE (?:IF EXISTS )?[`\\w]+ ")
	takesAway     = regexp.MustCompile(`(?i)^(DROP|RENAME|MODIFY|CHANGE|ALTER|CONVERT|TRUNCATE|DELETE|REPLACE)\b`)
	addsIndex     = regexp.MustCompile(`(?i)^ADD (FULLTEXT )?(KEY|INDEX) `)
	addsCondition = regexp.MustCompile(`(?i)^ADD (UNIQUE|PRIMARY|CONSTRAINT|FOREIGN|CHECK)\b`)
	addsColumn    = regexp.MustCompile("(?i)^ADD (COLUMN )?(IF NOT EXISTS )?[`\\w]+ \\w")
	notNull       = regexp.MustCompile(`(?i)\bNOT NULL\b`)
	filled        = regexp.MustCompile(`(?i)\b(DEFAULT|GENERATED|AS)\b`)
)

// refusal is why a statement does more than expand, or "".
func refusal(statement string) string {
	switch {
	case harmless.MatchString(statement):
		return ""
	case createTable.MatchString(statement) && !referring.MatchString(statement):
		return ""
	case createTable.MatchString(statement), createUnique.MatchString(statement):
		return whyRefused
	case takesAway.MatchString(statement) && !alterTable.MatchString(statement):
		return whyTaken
	case !alterTable.MatchString(statement):
		return whyUnknown
	}
	for _, action := range actions(alterTable.ReplaceAllString(statement, "")) {
		if why := refusedAction(action); why != "" {
			return why
		}
	}
	return ""
}

// refusedAction is why one action of an ALTER TABLE does more than expand, or "".
func refusedAction(action string) string {
	switch {
	case takesAway.MatchString(action):
		return whyTaken
	case addsIndex.MatchString(action):
		return ""
	case addsCondition.MatchString(action), referring.MatchString(action):
		return whyRefused
	case !addsColumn.MatchString(action):
		return whyUnknown
	case notNull.MatchString(action) && !filled.MatchString(action):
		return whyRefused
	}
	return ""
}

// actions parts an ALTER TABLE at the commas that are not inside of parentheses.
func actions(text string) []string {
	var all []string
	depth, start := 0, 0
	for i, r := range text {
		switch r {
		case '(':
			depth++
		case ')':
			depth--
		case ',':
			if depth == 0 {
				all, start = append(all, strings.TrimSpace(text[start:i])), i+1
			}
		}
	}
	return append(all, strings.TrimSpace(text[start:]))
}
