// Package auth is how people and programs prove who they are: sessions, sign-in with its limits, second factors,
// one-time links and API tokens. Nothing of it is kept in memory, so any host can serve any request, and all times are
// the database's, so hosts whose clocks differ agree.
package auth

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"time"

	"usermanagement.dev/stack/app/audit"
)

var (
	// ErrWrong is the one answer to a sign-in that fails, whatever the reason.
	ErrWrong = errors.New("wrong name or password")
	// ErrExpired says that a session, link or token is unknown, used, revoked or too old.
	ErrExpired = errors.New("no longer valid")
	// ErrDone says that the first administrator exists already.
	ErrDone = errors.New("setup is done")
	// ErrNotPossible refuses a step that does not fit the state, such as a code for a factor that is not set up.
	ErrNotPossible = errors.New("not possible now")
)

// ThrottledError says that there were too many attempts, and when to try again.
type ThrottledError struct{ RetryAfter time.Duration }

// Error implements error.
func (e *ThrottledError) Error() string { return "too many attempts" }

// tokenSize is 256 bits: what is stored is a plain hash, as nothing of that size can be guessed.
const tokenSize = 32

// NewToken returns a random token for a cookie, a link or a header.
func NewToken() string {
	b := make([]byte, tokenSize)
	_, _ = rand.Read(b) // never fails: crypto/rand ends the program instead
	return base64.RawURLEncoding.EncodeToString(b)
}

func newHandle() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}

// NewHandle returns a random name for a thing that is not a secret, but should not be guessed either.
func NewHandle() string { return newHandle() }

// hash is what the database keeps of a token.
func hash(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// CSRFToken is the form token that belongs to a cookie's token. It cannot be made without the cookie, and tells nothing
// of it.
func CSRFToken(cookie string) string {
	mac := hmac.New(sha256.New, []byte(cookie))
	mac.Write([]byte("csrf"))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// CheckCSRF compares in constant time.
func CheckCSRF(cookie, token string) bool {
	return cookie != "" && subtle.ConstantTimeCompare([]byte(CSRFToken(cookie)), []byte(token)) == 1
}

// Client is where a request comes from.
type Client struct {
	IP        string
	UserAgent string
	RequestID string
	// Device is the cookie that a browser keeps after a sign-in that worked.
	Device string
}

func (c Client) actor(id int64, name string) audit.Actor {
	return audit.Actor{ID: id, Name: name, RequestID: c.RequestID, IP: c.IP}
}

func clip(s string, n int) string {
	if len(s) > n {
		return s[:n]
	}
	return s
}
