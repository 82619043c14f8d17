package users

import (
	"errors"
	"strings"
	"testing"
)

func FuzzReadImport(f *testing.F) {
	f.Add("username,email\nada,ada@example.org\n")
	f.Add("\xef\xbb\xbfusername;email\n\"a\nb\";'=x\n")
	f.Fuzz(func(t *testing.T, data string) {
		rows, err := readImport([]byte(data))
		var bad *FileError
		if err != nil && !errors.As(err, &bad) {
			t.Errorf("an error that is not for people: %v", err)
		}
		for _, row := range rows {
			if row.Outcome == ImportCreate && strings.ContainsAny(row.Username, " \t\r\n<>'\"") {
				t.Errorf("line %d would add %q", row.Line, row.Username)
			}
		}
	})
}

func TestCellsAreSafeAndComeBack(t *testing.T) {
	for _, cell := range []string{"=1+1", "+1", "-1", "@x", "\tx", "\rx", "", "plain", "a=b"} {
		safe := safeCell(cell)
		if safe != "" && strings.ContainsRune("=+-@\t\r", rune(safe[0])) {
			t.Errorf("%q is written as %q, which a spreadsheet runs", cell, safe)
		}
		if back := plainCell(safe); back != cell {
			t.Errorf("%q comes back as %q", cell, back)
		}
	}
}

func TestWhatStandsTwiceInAFileIsNamed(t *testing.T) {
	rows, err := readImport([]byte("username,email\ncarol,carol@example.org\ncarla,Carol@example.org\nCAROL,other@example.org\n"))
	if err != nil || len(rows) != 3 {
		t.Fatalf("%d rows, error %v", len(rows), err)
	}
	for i, want := range []string{"", FieldEmail, FieldUsername} {
		for _, field := range []string{FieldUsername, FieldEmail} {
			if twice := rows[i].Problems[field] == "import.twice"; twice != (field == want) {
				t.Errorf("line %d: %v, want %q to stand twice", rows[i].Line, rows[i].Problems, want)
			}
		}
	}
}
