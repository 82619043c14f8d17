// Package scratch has folders for what a running process keeps on disk. Whoever holds a folder's lock is alive: what a
// process has left that was cut off goes with the next folder of the same kind.
package scratch

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/gofrs/flock"
)

const (
	// mark is what the names of all kinds begin with.
	mark = "ums-"
	// lockName is the file in a folder whose lock its owner holds.
	lockName = ".held"
	// tries bounds how often a folder is made anew that another process took for a dead one's in the moment before its lock
	// was held.
	tries = 10
)

// Folder is one that this process holds, as long as it has the value.
type Folder struct {
	// Path is where it is.
	Path string
	lock *flock.Flock
}

// New makes a folder of a kind, and removes those of its kind whose processes are dead. Example: database
func New(kind string) (*Folder, error) {
	if err := sweep(kind); err != nil {
		return nil, err
	}
	for range tries {
		f, err := claim(kind)
		if err != nil {
			return nil, fmt.Errorf("make a folder for a %s: %w", kind, err)
		}
		if f != nil {
			return f, nil
		}
	}
	return nil, fmt.Errorf("make a folder for a %s: others remove each that is made in %s", kind, os.TempDir())
}

// claim makes a folder and holds its lock; nil if another process was faster to take it for a dead one's.
func claim(kind string) (*Folder, error) {
	path, err := os.MkdirTemp("", mark+kind+"-")
	if err != nil {
		return nil, err
	}
	f := &Folder{Path: path, lock: flock.New(filepath.Join(path, lockName))}
	held, err := f.lock.TryLock()
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, errors.Join(err, os.RemoveAll(path))
	}
	// The lock may be that of a file which has been removed since it was opened.
	if _, gone := os.Stat(f.lock.Path()); !held || gone != nil {
		return nil, f.lock.Unlock()
	}
	return f, nil
}

// Remove removes the folder. Once it is removed, nothing happens; nor without a folder.
func (f *Folder) Remove() error {
	if f == nil {
		return nil
	}
	if err := errors.Join(os.RemoveAll(f.Path), f.lock.Unlock()); err != nil {
		return fmt.Errorf("remove the folder %s: %w", f.Path, err)
	}
	return nil
}

// sweep removes the folders of a kind that nobody holds. What cannot be removed is left to those who can.
func sweep(kind string) error {
	locks, err := filepath.Glob(filepath.Join(os.TempDir(), mark+kind+"-*", lockName))
	if err != nil {
		return fmt.Errorf("look for what killed processes have left: %w", err)
	}
	for _, path := range locks {
		folder := filepath.Dir(path)
		// MkdirTemp ends names with digits; another kind may begin with the name of this one.
		random := strings.TrimPrefix(filepath.Base(folder), mark+kind+"-")
		if strings.Trim(random, "0123456789") != "" || !own(folder) {
			continue
		}
		lock := flock.New(path)
		if free, err := lock.TryLock(); err != nil || !free {
			continue
		}
		if err := errors.Join(os.RemoveAll(folder), lock.Unlock()); err != nil {
			return fmt.Errorf("remove what a killed process has left: %w", err)
		}
	}
	return nil
}

// own reports whether a folder is one, and belongs to the user who asks: everybody may write where temporary files are.
func own(folder string) bool {
	info, err := os.Lstat(folder)
	if err != nil || !info.IsDir() {
		return false
	}
	status, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(status.Uid) == os.Geteuid()
}
