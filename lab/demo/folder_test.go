package demo

import (
	"os"
	"path/filepath"
	"testing"
)

func TestFolders(t *testing.T) {
	state := filepath.Join(t.TempDir(), "with a space", ".lab")
	first, _, err := claim(t.Context(), state)
	if err != nil {
		t.Fatal(err)
	}
	second, removed, err := claim(t.Context(), state)
	if err != nil {
		t.Fatal(err)
	}
	if first.path == second.path || removed != 0 {
		t.Fatalf("two demos share %s, or %d folder(s) of the living were removed", first.path, removed)
	}
	// The first is killed: its lock is free, its files are there.
	if err := os.WriteFile(first.file("kubeconfig"), []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := first.lock.Unlock(); err != nil {
		t.Fatal(err)
	}
	third, removed, err := claim(t.Context(), state)
	if err != nil {
		t.Fatal(err)
	}
	if removed != 1 {
		t.Errorf("%d folders of killed demos were removed, want 1", removed)
	}
	if _, err := os.Stat(third.file("kubeconfig")); !os.IsNotExist(err) {
		t.Errorf("the kubeconfig of a killed demo is still there: %v", err)
	}
	for _, f := range []*folder{second, third} {
		if err := f.release(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(f.path); !os.IsNotExist(err) {
			t.Errorf("%s is left: %v", f.path, err)
		}
	}
}

func TestClaimWhereNothingCanBeWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := claim(t.Context(), filepath.Join(file, ".lab")); err == nil {
		t.Error("a state folder below a file was taken")
	}
}
