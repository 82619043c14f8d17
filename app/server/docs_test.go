package server_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestTheSecurityTableNamesTestsThatExist keeps the table of requirements from naming tests that were renamed or dropped.
func TestTheSecurityTableNamesTestsThatExist(t *testing.T) {
	table, err := os.ReadFile("../../docs/reference/app-security.md")
	if err != nil {
		t.Fatal(err)
	}
	var sources strings.Builder
	for _, root := range []string{"..", "../../cmd/app"} {
		err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			sources.Write(text)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	names := regexp.MustCompile(`\b(Test|Fuzz)[A-Z]\w+`).FindAllString(string(table), -1)
	for _, name := range names {
		if !strings.Contains(sources.String(), "func "+name+"(") {
			t.Errorf("the table names %s, which is no test", name)
		}
	}
	if len(names) < 40 {
		t.Errorf("only %d tests are named", len(names))
	}
}
