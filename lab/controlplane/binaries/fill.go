package binaries

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

const (
	// lockWait bounds the wait for another process that is filling the same cache.
	lockWait = 30 * time.Minute
	lockPoll = 200 * time.Millisecond
	// stagePrefix starts the names of the directories in which programs are made.
	stagePrefix = ".stage-"
)

// fill puts the missing programs into the cache directory. One process at a time does
// so; the others wait for it and then find the work done.
func (l Locator) fill(ctx context.Context, dir string, missing []Component) error {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return fmt.Errorf("make the cache directory: %w", err)
	}
	unlock, err := l.lock(ctx, filepath.Join(dir, ".lock"))
	if err != nil {
		return err
	}
	defer unlock()

	cached := Set{}
	cached.addFrom(dir, missing)
	stage, err := newStage(dir)
	if err != nil {
		return err
	}
	defer os.RemoveAll(stage) //nolint:errcheck // the next fill removes what is left

	if fetchable := without(cached.missing(missing), ControllerManager); len(fetchable) > 0 && !l.FromSource {
		if err := l.fetch(ctx, stage, dir); err != nil {
			if ctx.Err() != nil {
				return err
			}
			l.say("nothing fetched, building instead (%v)", err)
		}
		cached.addFrom(dir, missing)
	}
	for _, c := range cached.missing(missing) {
		if err := l.build(ctx, stage, dir, c); err != nil {
			return err
		}
	}
	return nil
}

// lock takes the cache's lock file, saying so when it has to wait for it.
func (l Locator) lock(ctx context.Context, path string) (unlock func(), err error) {
	lock := flock.New(path)
	got, err := lock.TryLock()
	if err == nil && !got {
		l.say("another process is fetching or building; waiting for it (%s)", path)
		limited, cancel := context.WithTimeout(ctx, lockWait)
		defer cancel()
		_, err = lock.TryLockContext(limited, lockPoll)
	}
	if err != nil {
		return nil, fmt.Errorf("wait for the lock %s, held by another process: %w", path, err)
	}
	return func() { _ = lock.Unlock() }, nil
}

// newStage makes an empty directory beside the programs, so that moving one into place
// is atomic, and removes what an interrupted run has left. The caller holds the lock.
func newStage(dir string) (string, error) {
	left, err := filepath.Glob(filepath.Join(dir, stagePrefix+"*"))
	if err != nil {
		return "", err
	}
	for _, old := range left {
		if err := os.RemoveAll(old); err != nil {
			return "", fmt.Errorf("remove what an interrupted run has left: %w", err)
		}
	}
	stage, err := os.MkdirTemp(dir, stagePrefix)
	if err != nil {
		return "", fmt.Errorf("make a directory to build in: %w", err)
	}
	return stage, nil
}

// install moves a complete program into the cache.
func install(file, dir string, c Component) error {
	if err := os.Chmod(file, 0o755); err != nil { //nolint:gosec // a program has to be executable
		return fmt.Errorf("make %s executable: %w", c, err)
	}
	if err := os.Rename(file, filepath.Join(dir, string(c))); err != nil {
		return fmt.Errorf("put %s into the cache: %w", c, err)
	}
	return nil
}

func without(components []Component, left Component) []Component {
	var rest []Component
	for _, c := range components {
		if c != left {
			rest = append(rest, c)
		}
	}
	return rest
}
