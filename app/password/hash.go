// Package password hashes and judges passwords. New hashes are argon2id; hashes of the system that this one replaces
// (Werkzeug's scrypt and PBKDF2) and bcrypt are verified and marked for an upgrade.
package password

import (
	"context"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // only to verify hashes that exist
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/bcrypt"
	"golang.org/x/crypto/scrypt"
	"golang.org/x/text/unicode/norm"
)

// ErrBusy says that too many passwords are being checked at once; the answer is 503 with Retry-After.
var ErrBusy = errors.New("too many sign-ins at once")

// Params are argon2id's cost: memory in KiB, passes and lanes.
type Params struct {
	Memory uint32
	Time   uint32
	Lanes  uint8
}

const (
	saltSize = 16
	keySize  = 32
	// maxMemory and maxTime bound what a hash read from the database can make this process do.
	maxMemory = 1 << 20
	maxTime   = 64
	// queueLimit is how many sign-ins may wait for a turn.
	queueLimit = 64
)

// ParseParams reads "m=19456,t=2,p=1". OWASP's least for argon2id is m=19456,t=2,p=1.
func ParseParams(text string) (Params, error) {
	var p Params
	if _, err := fmt.Sscanf(text, "m=%d,t=%d,p=%d", &p.Memory, &p.Time, &p.Lanes); err != nil {
		return p, fmt.Errorf("password cost %q: want the form m=19456,t=2,p=1", text)
	}
	if p.Memory < 8*uint32(p.Lanes) || p.Memory > maxMemory || p.Time < 1 || p.Time > maxTime || p.Lanes < 1 {
		return p, fmt.Errorf("password cost %q is out of range", text)
	}
	return p, nil
}

// Hasher hashes with a bound on how many run at once, because each takes Params.Memory: a flood of sign-ins waits or is
// turned away, and cannot exhaust the host.
type Hasher struct {
	params Params
	turns  chan struct{}
	queue  chan struct{}
	decoy  string
}

// NewHasher allows as many hashes at once as there are processors.
func NewHasher(params Params) *Hasher {
	h := &Hasher{params: params, turns: make(chan struct{}, runtime.GOMAXPROCS(0)), queue: make(chan struct{}, queueLimit)}
	h.decoy = params.encode([]byte("sixteen byte pad"), make([]byte, keySize))
	return h
}

func (h *Hasher) turn(ctx context.Context, fn func()) error {
	select {
	case h.queue <- struct{}{}:
	default:
		return ErrBusy
	}
	defer func() { <-h.queue }()
	select {
	case h.turns <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", ErrBusy, ctx.Err())
	}
	defer func() { <-h.turns }()
	fn()
	return nil
}

// Hash returns an argon2id hash in PHC form.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	salt := make([]byte, saltSize)
	_, _ = rand.Read(salt) // never fails: crypto/rand ends the program instead
	var out string
	err := h.turn(ctx, func() {
		out = h.params.encode(salt, argon2.IDKey(normalise(password), salt, h.params.Time, h.params.Memory, h.params.Lanes, keySize))
	})
	return out, err
}

// Verify says whether the password fits the hash, and whether the hash should be replaced by one of today's. An empty
// or unknown hash takes as long as a real one and never fits, so that no one can tell accounts apart by the clock.
func (h *Hasher) Verify(ctx context.Context, encoded, password string) (ok, upgrade bool, err error) {
	check, params, parseErr := parse(encoded)
	if parseErr != nil {
		check, _, _ = parse(h.decoy)
	}
	err = h.turn(ctx, func() { ok = check(normalise(password)) })
	if err != nil || parseErr != nil {
		return false, false, err
	}
	return ok, ok && params != h.params, nil
}

// Known says whether the hash is of a form that Verify understands.
func Known(encoded string) bool {
	_, _, err := parse(encoded)
	return err == nil
}

// normalise makes the same characters typed on different keyboards the same bytes (NIST SP 800-63B).
func normalise(password string) []byte { return norm.NFC.Bytes([]byte(password)) }

func (p Params) encode(salt, key []byte) string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, p.Memory, p.Time, p.Lanes,
		b64.EncodeToString(salt), b64.EncodeToString(key))
}

type verifier func(password []byte) bool

var errUnknownHash = errors.New("unknown form of password hash")

// parse reads a hash. The Params are zero for anything but argon2id, so such hashes always ask for an upgrade.
func parse(encoded string) (verifier, Params, error) {
	switch {
	case strings.HasPrefix(encoded, "$argon2id$"):
		return parseArgon2(encoded)
	case strings.HasPrefix(encoded, "$2a$"), strings.HasPrefix(encoded, "$2b$"), strings.HasPrefix(encoded, "$2y$"):
		cost, err := bcrypt.Cost([]byte(encoded))
		if err != nil || cost > 16 {
			return nil, Params{}, errUnknownHash
		}
		return func(pw []byte) bool { return bcrypt.CompareHashAndPassword([]byte(encoded), pw) == nil }, Params{}, nil
	case strings.HasPrefix(encoded, "scrypt:"), strings.HasPrefix(encoded, "pbkdf2:"):
		return parseWerkzeug(encoded)
	}
	return nil, Params{}, errUnknownHash
}

func parseArgon2(encoded string) (verifier, Params, error) {
	parts := strings.Split(encoded, "$")
	if len(parts) != 6 || parts[2] != "v=19" {
		return nil, Params{}, errUnknownHash
	}
	params, err := ParseParams(parts[3])
	if err != nil {
		return nil, Params{}, errUnknownHash
	}
	salt, err1 := base64.RawStdEncoding.DecodeString(parts[4])
	want, err2 := base64.RawStdEncoding.DecodeString(parts[5])
	if err1 != nil || err2 != nil || len(want) < 16 || len(want) > 64 || len(salt) < 8 {
		return nil, Params{}, errUnknownHash
	}
	return func(pw []byte) bool {
		got := argon2.IDKey(pw, salt, params.Time, params.Memory, params.Lanes, uint32(len(want))) //nolint:gosec // at most 64
		return subtle.ConstantTimeCompare(got, want) == 1
	}, params, nil
}

// parseWerkzeug reads "scrypt:32768:8:1$salt$hex" and "pbkdf2:sha256:600000$salt$hex", the forms of Werkzeug's
// generate_password_hash. The salt is used as the text it is.
func parseWerkzeug(encoded string) (verifier, Params, error) {
	parts := strings.Split(encoded, "$")
	if len(parts) != 3 || parts[1] == "" {
		return nil, Params{}, errUnknownHash
	}
	want, err := hex.DecodeString(parts[2])
	if err != nil || len(want) < 16 || len(want) > 64 {
		return nil, Params{}, errUnknownHash
	}
	derive, err := werkzeugMethod(strings.Split(parts[0], ":"), []byte(parts[1]), len(want))
	if err != nil {
		return nil, Params{}, err
	}
	return func(pw []byte) bool {
		got, err := derive(pw)
		return err == nil && subtle.ConstantTimeCompare(got, want) == 1
	}, Params{}, nil
}

// derivation makes the key of a password, with everything else given.
type derivation func(password []byte) ([]byte, error)

func werkzeugMethod(method []string, salt []byte, size int) (derivation, error) {
	if method[0] == "scrypt" {
		return werkzeugScrypt(method[1:], salt, size)
	}
	return werkzeugPBKDF2(method[1:], salt, size)
}

func werkzeugScrypt(cost []string, salt []byte, size int) (derivation, error) {
	n, r, p, err := threeNumbers(cost)
	if err != nil || n < 2 || n > 1<<20 || n&(n-1) != 0 || r < 1 || r > 64 || p < 1 || p > 16 || n*r > 1<<22 {
		return nil, errUnknownHash
	}
	return func(pw []byte) ([]byte, error) { return scrypt.Key(pw, salt, n, r, p, size) }, nil
}

// werkzeugPBKDF2 takes the digest and the rounds, which Werkzeug's oldest hashes leave out.
func werkzeugPBKDF2(method []string, salt []byte, size int) (derivation, error) {
	digest, rounds := sha256.New, 150000
	if len(method) > 0 {
		hashes := map[string]func() hash.Hash{"sha1": sha1.New, "sha256": sha256.New, "sha512": sha512.New}
		if digest = hashes[method[0]]; digest == nil {
			return nil, errUnknownHash
		}
	}
	if len(method) > 1 {
		var err error
		if rounds, err = strconv.Atoi(method[1]); err != nil || rounds < 1 || rounds > 5_000_000 {
			return nil, errUnknownHash
		}
	}
	return func(pw []byte) ([]byte, error) { return pbkdf2.Key(digest, string(pw), salt, rounds, size) }, nil
}

func threeNumbers(parts []string) (a, b, c int, err error) {
	if len(parts) != 3 {
		return 0, 0, 0, errUnknownHash
	}
	a, err1 := strconv.Atoi(parts[0])
	b, err2 := strconv.Atoi(parts[1])
	c, err3 := strconv.Atoi(parts[2])
	return a, b, c, errors.Join(err1, err2, err3)
}
