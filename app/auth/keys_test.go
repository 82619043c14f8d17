package auth_test

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"usermanagement.dev/stack/app/auth"
	"usermanagement.dev/stack/app/users"
	"usermanagement.dev/stack/internal/hostcontract"
	"usermanagement.dev/stack/lab/apptest"
)

// rotated is the app's secret after a rotation: both of its parts are new.
var rotated = hostcontract.AppSecret{
	SetupSecret:            "another-setup-secret-for-tests",
	EncryptionKey:          base64.StdEncoding.EncodeToString([]byte("fedcba9876543210fedcba9876543210")),
	PreviousEncryptionKeys: []string{apptest.EncryptionKey},
}

// enrol sets a second factor up on one host and proves it on another.
func enrol(t *testing.T, begin, finish *apptest.World, name string) (secret string) {
	t.Helper()
	ctx := context.Background()
	res, err := begin.Auth.SignIn(ctx, name, apptest.Password, browser)
	if err != nil {
		t.Fatal(err)
	}
	sess, err := begin.Sessions.Lookup(ctx, res.Token)
	if err != nil {
		t.Fatal(err)
	}
	if secret, err = begin.Auth.BeginTOTP(ctx, sess); err != nil {
		t.Fatal(err)
	}
	if sess, err = finish.Sessions.Lookup(ctx, res.Token); err != nil {
		t.Fatal(err)
	}
	past, _ := totp.GenerateCode(secret, time.Now().Add(-30*time.Second))
	if _, _, err := finish.Auth.EnableTOTP(ctx, sess, past, browser); err != nil {
		t.Fatalf("%s proves the second factor: %v", name, err)
	}
	return secret
}

// adaSignsIn signs ada in with password and code, and returns what kept it from succeeding.
func adaSignsIn(t *testing.T, w *apptest.World, secret string) error {
	t.Helper()
	ctx := context.Background()
	res, err := w.Auth.SignIn(ctx, "ada", apptest.Password, browser)
	if err != nil {
		t.Fatal(err)
	}
	sess, err := w.Sessions.Lookup(ctx, res.Token)
	if err != nil {
		t.Fatal(err)
	}
	code, _ := totp.GenerateCode(secret, time.Now())
	_, err = w.Auth.SecondFactor(ctx, sess, code, browser)
	return err
}

// TestARotatedKeyIsFollowedByEveryHost rotates the key on one host first, as rotations arrive. Nobody's second factor
// fails, on neither host, and in the end the earlier key can be dropped.
func TestARotatedKeyIsFollowedByEveryHost(t *testing.T) {
	ctx := context.Background()
	a, b := twoHosts(t)
	a.Person(t, "ada", users.RoleAdmin)
	a.Person(t, "bob", users.RoleUser)
	adas := enrol(t, a, b, "ada")
	b.Keys.RefreshBy(func(context.Context) {
		if err := b.Keys.Replace(rotated); err != nil {
			t.Error(err)
		}
	})
	if err := a.Keys.Replace(rotated); err != nil {
		t.Fatal(err)
	}
	if err := adaSignsIn(t, a, adas); err != nil {
		t.Errorf("what the earlier key encrypted is not read: %v", err)
	}
	enrol(t, a, b, "bob") // the other host meets the new key before it has been told of it
	if n, err := a.Auth.Reencrypt(ctx); err != nil || n != 1 {
		t.Errorf("%d second factors were encrypted anew, error %v; want ada's", n, err)
	}
	if n, err := b.Auth.Reencrypt(ctx); err != nil || n != 0 {
		t.Errorf("a second time %d were encrypted anew, error %v", n, err)
	}
	late := rotated
	late.PreviousEncryptionKeys = nil
	if err := a.Keys.Replace(late); err != nil {
		t.Fatal(err)
	}
	if err := adaSignsIn(t, a, adas); !errors.Is(err, auth.ErrWrong) && err != nil {
		t.Errorf("without the earlier key: %v", err) // the code itself is spent, which is as it should be
	}
}

// TestAKeyThatIsGoneIsExplained forgets the earlier key, as somebody does who only puts a new one in.
func TestAKeyThatIsGoneIsExplained(t *testing.T) {
	a, b := twoHosts(t)
	a.Person(t, "ada", users.RoleAdmin)
	secret := enrol(t, a, b, "ada")
	careless := rotated
	careless.PreviousEncryptionKeys = nil
	if err := a.Keys.Replace(careless); err != nil {
		t.Fatal(err)
	}
	if err := adaSignsIn(t, a, secret); err == nil || !strings.Contains(err.Error(), "previous_encryption_keys") {
		t.Errorf("the error is %v", err)
	}
	broken := rotated
	broken.EncryptionKey = "no key"
	if err := a.Keys.Replace(broken); err == nil {
		t.Error("a key that is none was taken")
	}
	if err := a.Keys.Replace(rotated); err != nil {
		t.Fatal(err)
	}
	if err := adaSignsIn(t, a, secret); err != nil {
		t.Errorf("with the earlier key back: %v", err)
	}
}

// TestARotatedSetupSecretLetsIn is tried on a host that has not been told of it yet.
func TestARotatedSetupSecretLetsIn(t *testing.T) {
	ctx := context.Background()
	a, _ := twoHosts(t)
	a.Keys.RefreshBy(func(context.Context) {
		if err := a.Keys.Replace(rotated); err != nil {
			t.Error(err)
		}
	})
	draft := users.Draft{Username: "ada", Email: "a@example.org", Password: apptest.Password}
	if _, err := a.Auth.Setup(ctx, rotated.SetupSecret, draft, browser); err != nil {
		t.Errorf("the new setup secret: %v", err)
	}
}
