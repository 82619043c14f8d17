package config

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

const goodKey = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

func valid(overrides ...string) map[string]string {
	m := map[string]string{
		"UMS_DATABASE_URL": "mysql://u:p@127.0.0.1/ums", "UMS_SETUP_SECRET": "canary-setup-secret", "UMS_ENCRYPTION_KEY": goodKey,
	}
	for i := 0; i < len(overrides); i += 2 {
		m[overrides[i]] = overrides[i+1]
	}
	return m
}

func TestUnsafeSettingsAreRefusedWithWhatToDo(t *testing.T) {
	for name, tc := range map[string]struct {
		env  map[string]string
		want string
	}{
		"no database":             {valid("UMS_DATABASE_URL", ""), "UMS_DATABASE_HOST"},
		"weak setup secret":       {valid("UMS_SETUP_SECRET", "admin123"), "at least 16"},
		"no encryption key":       {valid("UMS_ENCRYPTION_KEY", ""), "openssl rand"},
		"constant encryption key": {valid("UMS_ENCRYPTION_KEY", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="), "repeated"},
		"public URL with a path":  {valid("UMS_PUBLIC_URL", "https://a.example/x"), "no path"},
		"public metrics":          {valid("UMS_LISTEN", "0.0.0.0:1", "UMS_METRICS_LISTEN", "0.0.0.0:1"), "must not be public"},
		"short passwords":         {valid("UMS_PASSWORD_MIN_LENGTH", "8"), "12 to 64"},
		"hasty policy":            {valid("UMS_DORMANT_AFTER", "7"), "30 to 3650"},
		"no TLS to a far database": {valid("UMS_DATABASE_URL", "", "UMS_DATABASE_HOST", "db.example", "UMS_DATABASE_SECRET_ARN", "arn:x",
			"UMS_DATABASE_TLS", "disabled"), "only a loopback"},
		"not a number":       {valid("UMS_DATABASE_PORT", "x"), "DatabasePort"},
		"leaks in the clear": {valid("UMS_BREACH_URL", "http://leaks.example/range/"), "https://"},
		"half a mailbox":     {valid("UMS_SMTP_FROM", "a@b.example"), "belong together"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse(tc.env)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("got error %v, want one that says %q", err, tc.want)
			}
			if strings.Contains(err.Error(), "canary") {
				t.Error("the error repeats a secret")
			}
		})
	}
}

func TestSecretsDoNotPrint(t *testing.T) {
	c, err := Parse(valid("UMS_DATABASE_URL", "mysql://u:canary-password@h/x"))
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("settings", "config", c, "secret", c.SetupSecret)
	asJSON, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	for how, text := range map[string]string{
		"%v": fmt.Sprintf("%v", c), "%+v": fmt.Sprintf("%+v", *c), "json": string(asJSON),
		"slog": log.String(),
	} {
		if strings.Contains(text, "canary") || strings.Contains(text, goodKey) {
			t.Errorf("%s shows a secret: %s", how, text)
		}
	}
}

func TestCookiesAreSecureWhereBrowsersAllowIt(t *testing.T) {
	for url, want := range map[string]bool{
		"https://users.example.com": true, "http://users.example.com": false, "http://127.0.0.1:8080": true, "http://localhost": true,
	} {
		c, err := Parse(valid("UMS_PUBLIC_URL", url))
		if err != nil {
			t.Fatal(err)
		}
		if c.SecureCookies() != want {
			t.Errorf("%s: secure cookies %v, want %v", url, c.SecureCookies(), want)
		}
	}
}
