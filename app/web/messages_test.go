package web

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// keyInCode finds the keys that sources name in full.
var keyInCode = regexp.MustCompile(`"((?:nav|prefs|form|help|error|field|password|label|login|code|logout|setup|mail|link|` +
	`confirm|account|profile|factor|codes|sessions|tokens|activity|empty|time|users|user|conflict|bulk|import|overview|audit|` +
	`token|session|device|notice|dormant|done|views|view|palette|invite|copy)\.[a-z0-9_.-]*[a-z0-9])"`)

func TestEveryTextIsThereInEveryLanguage(t *testing.T) {
	english := catalogues["en"]
	for _, lang := range Languages[1:] {
		for key, text := range english {
			other, ok := catalogues[lang][key]
			if !ok {
				t.Errorf("%s has no text in %s", key, lang)
			}
			if strings.Count(text, "%s") != strings.Count(other, "%s") || strings.Count(text, "%d") != strings.Count(other, "%d") {
				t.Errorf("%s: the languages differ in what is filled in", key)
			}
		}
		for key := range catalogues[lang] {
			if _, ok := english[key]; !ok {
				t.Errorf("%s is in %s only", key, lang)
			}
		}
	}
}

// TestEveryKeyInTheCodeHasAText looks for keys in pages and Go code. Those of acts in the audit log stand behind "act.".
func TestEveryKeyInTheCodeHasAText(t *testing.T) {
	err := filepath.WalkDir("..", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !isSource(path) {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, m := range keyInCode.FindAllStringSubmatch(string(text), -1) {
			if !Known(m[1]) && !Known("act."+m[1]) && !strings.HasSuffix(m[1], ".js") {
				t.Errorf("%s names %s, which has no text", path, m[1])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func isSource(path string) bool {
	page, code := strings.HasSuffix(path, ".templ"), strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go")
	return (page || code) && !strings.Contains(path, "node_modules")
}

func TestPreferencesAreReadFromWhateverBrowsersSend(t *testing.T) {
	for _, tc := range []struct{ cookie, accept, lang, theme string }{
		{"", "", "en", "auto"},
		{"", "de-AT,de;q=0.9,en;q=0.5", "de", "auto"},
		{"", "fr", "en", "auto"},
		{"lang=de&theme=dark", "en", "de", "dark"},
		{"lang=xx&theme=<script>", "en", "en", "auto"},
		{"%%%", "%%%", "en", "auto"},
	} {
		p := ParsePreferences(tc.cookie, tc.accept)
		if p.Lang != tc.lang || p.Theme != tc.theme {
			t.Errorf("cookie %q, languages %q: %s and %s, want %s and %s", tc.cookie, tc.accept, p.Lang, p.Theme, tc.lang, tc.theme)
		}
	}
	p := Preferences{Lang: "de", Theme: "dark", Columns: []string{"role"}}
	if again := ParsePreferences(p.Cookie(), ""); again.Shortcuts || len(again.Columns) != 1 || again.Theme != "dark" {
		t.Errorf("a round trip through the cookie: %+v", again)
	}
}
