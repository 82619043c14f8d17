package password

import (
	"context"
	"strings"
	"unicode/utf8"

	"github.com/trustelem/zxcvbn"
	"golang.org/x/text/unicode/norm"
)

// Problem is why a password is not accepted: a key of the message catalogue.
type Problem string

// The problems. There are no rules of composition and no expiry (NIST SP 800-63B-4).
const (
	TooShort Problem = "password.too_short"
	TooLong  Problem = "password.too_long"
	TooWeak  Problem = "password.too_weak"
	Personal Problem = "password.personal"
	Breached Problem = "password.breached"
)

// MaxLength is the longest password accepted, in characters.
const MaxLength = 256

// judgedLength is how much of a password the estimator reads: its time grows faster than the length.
const judgedLength = 72

// Policy judges new passwords.
type Policy struct {
	MinLength int
	// Context are words of the site that a password must not be made of.
	Context []string
	// Breaches, if not nil, knows the passwords of leaks.
	Breaches *Breaches
}

// blocked are long passwords that people choose because the rules say "long", which an estimator of guesses likes.
var blocked = []string{
	"correct horse battery staple", "correcthorsebatterystaple", "password ", "passwordpassword",
	"administrator", "administratoradministrator", "qwertyuiopasdfghjklzxcvbnm", "qwertyuiopasdfgh", "1qaz2wsx3edc4rfv",
	"thequickbrownfox", "the quick brown fox", "iloveyouiloveyou", "letmeinletmein", "welcomewelcome", "changemechangeme",
	"123456789012345", "1234567890123456", "abcdefghijklmnop", "to be or not to be", "maytheforcebewithyou", "admin123admin123",
}

// Judge returns what is wrong with a new password, or "". Own are words about its owner: name and address.
func (p Policy) Judge(ctx context.Context, password string, own ...string) Problem {
	password = norm.NFC.String(password)
	length := utf8.RuneCountInString(password)
	if length < p.MinLength {
		return TooShort
	}
	if length > MaxLength {
		return TooLong
	}
	whole, folded := password, strings.ToLower(password)
	for _, word := range blocked {
		if folded == word || squeeze(folded) == squeeze(word) {
			return TooWeak
		}
	}
	words := p.words(own)
	if isMadeOf(folded, words) {
		return Personal
	}
	if len(password) > judgedLength {
		password = strings.ToValidUTF8(password[:judgedLength], "")
	}
	if zxcvbn.PasswordStrength(password, words).Score < 3 {
		return TooWeak
	}
	if p.Breaches.Known(ctx, whole) {
		return Breached
	}
	return ""
}

func squeeze(s string) string {
	return strings.NewReplacer(" ", "", "-", "", "_", "", ".", "").Replace(s)
}

func (p Policy) words(own []string) []string {
	var words []string
	for _, text := range append(append([]string{}, p.Context...), own...) {
		for _, word := range strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return strings.ContainsRune(" @.-_+", r) }) {
			if utf8.RuneCountInString(word) >= 3 {
				words = append(words, word)
			}
		}
	}
	return words
}

// isMadeOf says whether little is left of the password once the words are taken out of it.
func isMadeOf(password string, words []string) bool {
	rest := password
	for _, word := range words {
		rest = strings.ReplaceAll(rest, word, "")
	}
	return rest != password && utf8.RuneCountInString(rest) < 8
}
