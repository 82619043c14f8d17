package legacy_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"usermanagement.dev/stack/app/auth"
	"usermanagement.dev/stack/app/legacy"
	"usermanagement.dev/stack/lab/apptest"
)

func TestMain(m *testing.M) { apptest.Main(m) }

const (
	// adminHash is of admin123 and bobHash too: what Werkzeug stored, made with Python's hashlib.
	adminHash = "pbkdf2:sha256:600000$saltsalt$2b795472cd2a405be4a4bea6ad52319f19bf89fce606f2a188606bfac106542e"
	bobHash   = "scrypt:32768:8:1$NaCl4Werkzeug123$873f384bb4280c60e8dd16fcf421bee89366547b1fe348f05155458172be9e8c" +
		"13a58535d7704fa2fe0c1bbea8c0b7147d94ac5ed4127ab80e313beaa3ebbccd"
)

func TestOldAccountsComeOverWithoutAReset(t *testing.T) {
	w, ctx := apptest.NewWorld(t, apptest.DB(t)), context.Background()
	for _, statement := range []string{
		"CREATE TABLE `user` (id INTEGER NOT NULL AUTO_INCREMENT PRIMARY KEY, username VARCHAR(80) NOT NULL, email VARCHAR(120) NOT NULL, " +
			"password_hash VARCHAR(256), role VARCHAR(20), created_by INTEGER)",
		"INSERT INTO `user` VALUES (7,'Admin','admin@example.org','" + adminHash + "','admin',NULL),(9,'bob','Bob@Example.org','" + bobHash +
			"','user',7),(11,'carol','carol@example.org','plaintext!','user',7),(12,'bob ','other@example.org','x','user',7)",
	} {
		if _, err := w.DB.ExecContext(ctx, statement); err != nil {
			t.Fatal(err)
		}
	}
	dry, err := legacy.Import(ctx, w.Users, apptest.Tester, true)
	if n, cerr := w.DB.NewSelect().Table("users").Count(ctx); err != nil || cerr != nil || n != 0 || dry.Imported == 0 {
		t.Fatalf("a dry run: %+v, %d people, errors %v, %v", dry, n, err, cerr)
	}
	report, err := legacy.Import(ctx, w.Users, apptest.Tester, false)
	if err != nil || report.Imported != 3 || report.Existing != 1 || report.Admins != 1 {
		t.Fatalf("%+v, error %v", report, err)
	}
	if notes := strings.Join(report.Notes, "\n"); !strings.Contains(notes, "Admin (id 7): has a password that everybody knows") ||
		!strings.Contains(notes, "carol (id 11): the password column holds no hash") {
		t.Errorf("notes: %s", notes)
	}
	oldAccountsSignIn(ctx, t, w)
}

func oldAccountsSignIn(ctx context.Context, t *testing.T, w *apptest.World) {
	t.Helper()
	res, err := w.Auth.SignIn(ctx, "admin", "admin123", auth.Client{IP: "192.0.2.1"})
	if err != nil || res.User.ID != 7 || !res.User.MustChangePassword {
		t.Errorf("the old administrator: %+v, error %v", res, err)
	}
	if _, err := w.Auth.SignIn(ctx, "bob@example.org", "admin123", auth.Client{IP: "192.0.2.1"}); err != nil {
		t.Errorf("bob: %v", err)
	}
	if _, err := w.Auth.SignIn(ctx, "carol", "plaintext!", auth.Client{IP: "192.0.2.1"}); !errors.Is(err, auth.ErrWrong) {
		t.Errorf("a plain text in the hash column let carol in: %v", err)
	}
	again, err := legacy.Import(ctx, w.Users, apptest.Tester, false)
	if err != nil || again.Imported != 0 || again.Existing != 4 {
		t.Errorf("a second time: %+v, error %v", again, err)
	}
}
