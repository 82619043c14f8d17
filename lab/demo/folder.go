package demo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/gofrs/flock"
)

// folder is where one running demo keeps its files: a numbered folder in the state folder, so that commands with its
// path stay short. Whoever holds its lock is alive; a folder whose lock is free is what a killed demo has left.
type folder struct {
	path  string
	state string
	lock  *flock.Flock
}

const (
	// maxDemos is the most that may run from one state folder; one more is surely a mistake.
	maxDemos = 50
	// lockTimeout bounds the wait for another demo that is just starting or ending.
	lockTimeout = 30 * time.Second
	lockRetry   = 20 * time.Millisecond
)

// claim makes a folder of the demo's own, and removes those of demos that have been killed; it tells how many.
func claim(ctx context.Context, state string) (*folder, int, error) {
	if err := os.MkdirAll(state, 0o700); err != nil {
		return nil, 0, fmt.Errorf("make the state folder: %w; choose another with --state-dir", err)
	}
	f := &folder{state: state}
	removed := 0
	err := f.exclusively(ctx, func() error {
		var err error
		if removed, err = sweep(state); err != nil {
			return err
		}
		return f.take()
	})
	if err != nil {
		return nil, removed, fmt.Errorf("claim a folder in %s: %w", state, err)
	}
	return f, removed, nil
}

// exclusively does something while no other demo claims or releases a folder.
func (f *folder) exclusively(ctx context.Context, do func() error) error {
	ctx, cancel := context.WithTimeout(ctx, lockTimeout)
	defer cancel()
	gate := flock.New(filepath.Join(f.state, "lock"))
	if _, err := gate.TryLockContext(ctx, lockRetry); err != nil {
		return fmt.Errorf("wait for another demo that starts or ends: %w", err)
	}
	return errors.Join(do(), gate.Unlock())
}

// take makes the first folder that is not there.
func (f *folder) take() error {
	for n := 1; n <= maxDemos; n++ {
		path := filepath.Join(f.state, strconv.Itoa(n))
		err := os.Mkdir(path, 0o700)
		if errors.Is(err, os.ErrExist) {
			continue
		}
		if err != nil {
			return err
		}
		f.path, f.lock = path, flock.New(filepath.Join(path, "lock"))
		_, err = f.lock.TryLock()
		return err
	}
	return fmt.Errorf("%d demos are running; stop some", maxDemos)
}

// sweep removes the folders that nobody holds.
func sweep(state string) (int, error) {
	removed := 0
	for n := 1; n <= maxDemos; n++ {
		path := filepath.Join(state, strconv.Itoa(n))
		if _, err := os.Stat(path); err != nil {
			continue
		}
		lock := flock.New(filepath.Join(path, "lock"))
		free, err := lock.TryLock()
		if err != nil {
			return removed, err
		}
		if !free {
			continue
		}
		if err := errors.Join(os.RemoveAll(path), lock.Unlock()); err != nil {
			return removed, err
		}
		removed++
	}
	return removed, nil
}

// release removes the folder.
func (f *folder) release() error {
	err := f.exclusively(context.Background(), func() error { return errors.Join(os.RemoveAll(f.path), f.lock.Unlock()) })
	if err != nil {
		return fmt.Errorf("remove %s: %w", f.path, err)
	}
	return nil
}

func (f *folder) file(name string) string { return filepath.Join(f.path, name) }
