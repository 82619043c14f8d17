package scratch

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// holder is the variable that has the test's program hold a folder, tell its path, and wait for its end.
const holder = "UMS_SCRATCH_TEST_HOLDS"

func TestMain(m *testing.M) {
	if kind := os.Getenv(holder); kind != "" {
		f, err := New(kind)
		if err != nil {
			panic(err)
		}
		_, _ = os.Stdout.WriteString(f.Path + "\n")
		_, _ = os.Stdin.Read(make([]byte, 1)) // nobody writes
		_ = f.Remove()
		return
	}
	os.Exit(m.Run())
}

// TestWhatADeadProcessLeft: a folder stays as long as its process lives, however that ends, and no longer.
func TestWhatADeadProcessLeft(t *testing.T) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	other := exec.CommandContext(t.Context(), os.Args[0])
	other.Env = append(os.Environ(), holder+"=database")
	if _, err := other.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	output, err := other.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	theirs := strings.TrimSpace(line)
	alike := filepath.Join(temporary, "ums-database-of-somebody", lockName)
	if err := os.MkdirAll(alike, 0o700); err != nil {
		t.Fatal(err)
	}
	held, err := New("database")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(theirs); err != nil {
		t.Fatalf("the folder of a process that lives is gone: %v", err)
	}
	_ = other.Process.Kill()
	_ = other.Wait()
	if _, err := New("database-server"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(theirs); err != nil {
		t.Errorf("a folder went with another kind's: %v", err)
	}
	if _, err := New("database"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(theirs); err == nil {
		t.Error("the folder of a dead process is left")
	}
	for _, path := range []string{held.Path, alike} {
		if _, err := os.Stat(path); err != nil {
			t.Errorf("what is held, or is no folder of the kind, was removed: %v", err)
		}
	}
	for range 2 {
		if err := held.Remove(); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(held.Path); err == nil {
		t.Error("a folder that was removed is there")
	}
}

// TestManyAtOnce: nobody loses a folder to somebody who starts at the same time.
func TestManyAtOnce(t *testing.T) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	var all sync.WaitGroup
	folders := make([]*Folder, 50)
	for i := range folders {
		all.Go(func() {
			f, err := New("x")
			if err != nil {
				t.Error(err)
				return
			}
			folders[i] = f
			if err := os.WriteFile(filepath.Join(f.Path, "mine"), nil, 0o600); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if left, _ := filepath.Glob(filepath.Join(temporary, "ums-x-*", "mine")); len(left) != len(folders) {
		t.Errorf("%d of %d folders are there", len(left), len(folders))
	}
	for _, f := range folders {
		if err := f.Remove(); err != nil {
			t.Error(err)
		}
	}
}
