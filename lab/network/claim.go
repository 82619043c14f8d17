package network

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"github.com/gofrs/flock"
)

// claims is where running labs keep their locks.
const claims = "/run/usermanagement-lab"

// claim is a name for everything that a lab makes on this machine. Whoever holds its lock is alive: what bears a name
// whose lock is free was left by a lab that was killed.
type claim struct {
	name string
	lock *flock.Flock
}

// Possible says whether networks can be made here, and if not, what to do.
func Possible() error {
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		return errors.New("networks of namespaces need Linux and root: run it with sudo, or use hosts=process, which needs neither")
	}
	for program, debian := range map[string]string{"ip": "iproute2", "nft": "nftables", "sysctl": "procps"} {
		if _, err := exec.LookPath(program); err != nil {
			return fmt.Errorf("there is no %s: apt-get install %s", program, debian)
		}
	}
	return nil
}

// claimName takes a name that nobody has; also is told the names of killed labs, to remove what else they have left.
func claimName(ctx context.Context, also func(name string) error) (*claim, error) {
	if err := Possible(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(claims, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of locks: %w", err)
	}
	if err := sweep(ctx, also); err != nil {
		return nil, err
	}
	digits := make([]byte, 3)
	_, _ = rand.Read(digits) // crypto/rand.Read never fails: it ends the program instead
	name := "ums" + hex.EncodeToString(digits)
	lock := flock.New(filepath.Join(claims, name))
	if taken, err := lock.TryLock(); err != nil || !taken {
		return nil, fmt.Errorf("claim the name %s: it is taken, or: %w", name, err)
	}
	return &claim{name: name, lock: lock}, nil
}

func (c *claim) release() error {
	return errors.Join(os.Remove(c.lock.Path()), c.lock.Unlock())
}

// sweep removes what labs that were killed have left.
func sweep(ctx context.Context, also func(name string) error) error {
	locks, err := filepath.Glob(filepath.Join(claims, "ums*"))
	if err != nil {
		return fmt.Errorf("look for what killed labs have left: %w", err)
	}
	for _, path := range locks {
		lock := flock.New(path)
		if free, err := lock.TryLock(); err != nil || !free {
			continue // it lives
		}
		name := filepath.Base(path)
		if err := removeNamespaces(ctx, name); err != nil {
			return err
		}
		if also != nil {
			if err := also(name); err != nil {
				return fmt.Errorf("remove what the killed lab %s has left: %w", name, err)
			}
		}
		if err := errors.Join(os.Remove(path), lock.Unlock()); err != nil {
			return fmt.Errorf("remove what a killed lab has left: %w", err)
		}
	}
	return nil
}

func removeNamespaces(ctx context.Context, lab string) error {
	left, err := filepath.Glob(filepath.Join(namespaces, lab+"-*"))
	if err != nil {
		return fmt.Errorf("look for what the killed lab %s has left: %w", lab, err)
	}
	for _, namespace := range left {
		if err := run(ctx, command{"ip", "netns", "delete", filepath.Base(namespace)}, ""); err != nil {
			return fmt.Errorf("remove what the killed lab %s has left: %w", lab, err)
		}
	}
	return nil
}
