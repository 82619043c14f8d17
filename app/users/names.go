package users

import (
	"net/mail"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/secure/precis"
	"golang.org/x/text/unicode/norm"
)

// Problem is why a value is not accepted: a key of the message catalogue.
type Problem string

// The problems of a field.
const (
	ProblemRequired Problem = "field.required"
	ProblemUsername Problem = "field.username"
	ProblemEmail    Problem = "field.email"
	ProblemTooLong  Problem = "field.too_long"
	ProblemControl  Problem = "field.control"
	ProblemChoice   Problem = "field.choice"
	ProblemTaken    Problem = "field.taken"
	ProblemWrong    Problem = "field.wrong"
	ProblemTime     Problem = "field.time"
)

// Names of fields, as forms, the API and the audit log call them.
const (
	FieldUsername    = "username"
	FieldEmail       = "email"
	FieldDisplayName = "display_name"
	FieldRole        = "role"
	FieldStatus      = "status"
	FieldPassword    = "password"
	FieldMustChange  = "must_change_password"
	FieldLastLogin   = "last_login_at"
	FieldCreated     = "created_at"
	FieldExpires     = "expires_at"
)

const (
	maxEmail       = 254
	maxDisplayName = 200
)

var usernameForm = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{2,63}$`)

// UsernameKey is what makes usernames unique: case and width of letters do not matter (PRECIS, RFC 8265). Names that
// PRECIS refuses, which old systems may hold, are folded more simply.
func UsernameKey(name string) []byte {
	if key, err := precis.UsernameCaseMapped.CompareKey(name); err == nil {
		return []byte(key)
	}
	return []byte(strings.ToLower(norm.NFKC.String(strings.TrimSpace(name))))
}

// EmailKey is what makes addresses unique. Case never matters, as no mail system in use tells addresses apart by it.
func EmailKey(address string) []byte {
	return []byte(strings.ToLower(norm.NFC.String(strings.TrimSpace(address))))
}

// checkUsername returns the name as it is stored.
func checkUsername(name string) (string, Problem) {
	name = strings.TrimSpace(name)
	if name == "" {
		return name, ProblemRequired
	}
	mapped, err := precis.UsernameCaseMapped.String(name)
	if err != nil || !usernameForm.MatchString(mapped) {
		return name, ProblemUsername
	}
	return mapped, ""
}

// checkEmail returns the address as it is stored: the domain in lower case.
func checkEmail(address string) (string, Problem) {
	address = norm.NFC.String(strings.TrimSpace(address))
	if address == "" {
		return address, ProblemRequired
	}
	if len(address) > maxEmail {
		return address, ProblemTooLong
	}
	parsed, err := mail.ParseAddress(address)
	if err != nil || parsed.Address != address || parsed.Name != "" || strings.ContainsAny(address, " \"<>,;") {
		return address, ProblemEmail
	}
	local, domain, _ := strings.Cut(address, "@")
	if strings.Contains(domain, "@") || strings.HasPrefix(domain, ".") || strings.HasSuffix(domain, ".") {
		return address, ProblemEmail
	}
	return local + "@" + strings.ToLower(domain), ""
}

// checkDisplayName returns the name as it is stored. It may be empty and in any script, but holds no control characters:
// those include the ones that turn text around to make it read as something else.
func checkDisplayName(name string) (string, Problem) {
	name = norm.NFC.String(strings.Join(strings.Fields(name), " "))
	if utf8.RuneCountInString(name) > maxDisplayName {
		return name, ProblemTooLong
	}
	for _, r := range name {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == utf8.RuneError {
			return name, ProblemControl
		}
	}
	return name, ""
}
