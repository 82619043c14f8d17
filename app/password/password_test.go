package password

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/bcrypt"
)

var cheap = Params{Memory: 64, Time: 1, Lanes: 1}

const legacyPassword = "admin123"

// legacyHashes are in the forms of Werkzeug's generate_password_hash; the digests were made by Python's hashlib, which
// Werkzeug calls, so that they do not come from the code under test.
func legacyHashes(t testing.TB) map[string]string {
	t.Helper()
	blowfish, err := bcrypt.GenerateFromPassword([]byte(legacyPassword), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{
		"scrypt": "scrypt:32768:8:1$NaCl4Werkzeug123$873f384bb4280c60e8dd16fcf421bee89366547b1fe348f05155458172be9e8c" +
			"13a58535d7704fa2fe0c1bbea8c0b7147d94ac5ed4127ab80e313beaa3ebbccd",
		"pbkdf2": "pbkdf2:sha256:600000$saltsalt$2b795472cd2a405be4a4bea6ad52319f19bf89fce606f2a188606bfac106542e",
		"bcrypt": string(blowfish),
	}
}

func TestHashesOfEveryKnownForm(t *testing.T) {
	ctx, h := context.Background(), NewHasher(cheap)
	own, err := h.Hash(ctx, "Zürich ist schön")
	if err != nil {
		t.Fatal(err)
	}
	ok, upgrade, err := h.Verify(ctx, own, "Zu\u0308rich ist scho\u0308n")
	if !ok || upgrade || err != nil {
		t.Errorf("the same password in another Unicode form: ok %v, upgrade %v, error %v", ok, upgrade, err)
	}
	if ok, _, _ := h.Verify(ctx, own, "zürich ist schön"); ok {
		t.Error("a password that differs in case was accepted")
	}
	dearer := NewHasher(Params{Memory: 128, Time: 1, Lanes: 1})
	if ok, upgrade, _ := dearer.Verify(ctx, own, "Zürich ist schön"); !ok || !upgrade {
		t.Errorf("a hash of a lower cost: ok %v, upgrade %v: want both", ok, upgrade)
	}
	for name, encoded := range legacyHashes(t) {
		if ok, upgrade, err := h.Verify(ctx, encoded, legacyPassword); !ok || !upgrade || err != nil {
			t.Errorf("%s: ok %v, upgrade %v, error %v: want a match to upgrade", name, ok, upgrade, err)
		}
		if ok, _, _ := h.Verify(ctx, encoded, legacyPassword+"x"); ok {
			t.Errorf("%s: a wrong password was accepted", name)
		}
	}
}

func TestUnknownHashesNeverFit(t *testing.T) {
	h := NewHasher(cheap)
	for _, encoded := range []string{
		"", "x", "plain:admin123", "admin123", "$argon2id$v=19$m=64,t=1,p=1$$",
		"$argon2id$v=19$m=99999999,t=1,p=1$c2FsdHNhbHQ$c2FsdHNhbHRzYWx0c2FsdA",
		"scrypt:3:8:1$s$" + strings.Repeat("00", 32), "scrypt:1048576:64:16$s$" + strings.Repeat("00", 32), "pbkdf2:md5:1$s$" +
			strings.Repeat("00", 32),
		"pbkdf2:sha256:99999999999$s$00", "$2b$31$abcdefghijklmnopqrstuu",
	} {
		if ok, _, err := h.Verify(context.Background(), encoded, "admin123"); ok || err != nil {
			t.Errorf("%q: ok %v, error %v", encoded, ok, err)
		}
	}
}

func TestFloodOfSignInsIsTurnedAway(t *testing.T) {
	h := NewHasher(cheap)
	for range cap(h.turns) {
		h.turns <- struct{}{} // every turn is taken
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for range queueLimit {
		wg.Go(func() {
			if _, err := h.Hash(ctx, "x"); !errors.Is(err, ErrBusy) {
				t.Errorf("a waiter whose request ended got %v", err)
			}
		})
	}
	for len(h.queue) < queueLimit {
		runtime.Gosched()
	}
	if _, _, err := h.Verify(context.Background(), "", "x"); !errors.Is(err, ErrBusy) {
		t.Errorf("beyond the queue: got %v, want ErrBusy", err)
	}
	cancel()
	wg.Wait()
}

func TestPolicy(t *testing.T) {
	p := Policy{MinLength: 15, Context: []string{"User Management"}}
	for password, want := range map[string]Problem{
		"short":                        TooShort,
		"Password1Password1":           TooWeak,
		"aaaaaaaaaaaaaaaaaaaa":         TooWeak,
		"correct horse battery staple": TooWeak,
		"Correct-Horse-Battery-Staple": TooWeak,
		"ada.lovelace@example":         Personal,
		"usermanagement1815":           Personal,
		"seventeen violet kettles hum": "",
		"日本語のとても長い合言葉ですから大丈夫":               "",
		strings.Repeat("xK3!", 64) + "over": TooLong,
	} {
		if got := p.Judge(context.Background(), password, "ada", "ada.lovelace@example.org"); got != want {
			t.Errorf("%q: %q, want %q", password, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, encoded := range legacyHashes(f) {
		f.Add(encoded)
	}
	f.Add("$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$c2FsdHNhbHRzYWx0c2FsdA")
	f.Fuzz(func(t *testing.T, encoded string) {
		check, _, err := parse(encoded)
		if (check == nil) != (err != nil) {
			t.Errorf("%q: a verifier and an error, or neither", encoded)
		}
	})
}
