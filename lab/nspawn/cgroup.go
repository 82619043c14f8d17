package nspawn

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	cgroupRoot = "/sys/fs/cgroup"
	// cgroupTimeout bounds the wait for the last processes of a machine that was killed.
	cgroupTimeout = 10 * time.Second
	cgroupRetry   = 20 * time.Millisecond
)

// cgroupsOf are the control groups that a machine has to itself where no systemd of this machine hands them out: of the
// unified hierarchy (cgroups v2), or of the two that systemd uses beside the older ones (v1).
func cgroupsOf(name string) []string {
	if managed() {
		return nil
	}
	if _, err := os.Stat(filepath.Join(cgroupRoot, "cgroup.controllers")); err == nil {
		return []string{filepath.Join(cgroupRoot, name)}
	}
	var found []string
	for _, hierarchy := range []string{"systemd", "unified"} {
		if _, err := os.Stat(filepath.Join(cgroupRoot, hierarchy, "cgroup.procs")); err == nil {
			found = append(found, filepath.Join(cgroupRoot, hierarchy, name))
		}
	}
	return found
}

// managed reports whether this machine itself runs systemd, which then gives each container a scope of its own.
func managed() bool {
	_, err := os.Stat("/run/systemd/system")
	return err == nil
}

// Sweep removes the control groups of the machines of a lab that was killed. The machines themselves died with it.
func Sweep(lab string) error {
	var left []string
	for _, pattern := range cgroupsOf(lab + "-i-*") {
		found, err := filepath.Glob(pattern)
		if err != nil {
			return err
		}
		left = append(left, found...)
	}
	return removeCgroups(left)
}

// removeCgroups removes control groups with all below them, once their processes have ended.
func removeCgroups(cgroups []string) error {
	var errs []error
	for _, root := range cgroups {
		deadline := time.Now().Add(cgroupTimeout)
		err := removeTree(root)
		for err != nil && time.Now().Before(deadline) {
			<-time.After(cgroupRetry) // the kernel tells nobody when the last process has gone
			err = removeTree(root)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func removeTree(root string) error {
	var folders []string
	err := filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			if errors.Is(err, os.ErrNotExist) {
				return nil
			}
			return err
		}
		if entry.IsDir() {
			folders = append(folders, path)
		}
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortFunc(folders, func(a, b string) int { return strings.Count(b, "/") - strings.Count(a, "/") })
	for _, folder := range folders {
		if err := os.Remove(folder); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}
