// Package nspawn runs each instance of the model as a machine of its own: a systemd-nspawn container that boots Debian with
// systemd, whose cloud-init runs the instance's user data under the instance's id, whose metadata service is the instance's,
// and whose only network is the instance's network interface.
package nspawn

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"usermanagement.dev/stack/lab/internal/process"
)

// suite is the release of Debian that machines run.
const suite = "bookworm"

// mirror is where its packages are fetched from; apt's own settings, a proxy among them, apply.
const mirror = "http://deb.debian.org/debian"

// packages are what is on the image beside apt and what Debian calls required: what the cloud images of Debian have of
// which user data makes use.
var packages = []string{
	"ca-certificates", "cloud-init", "curl", "dbus", "iproute2", "openssh-server", "sudo", "systemd", "systemd-sysv",
}

// settings are the files that make an image of the packages: the same for all machines.
var settings = map[string]string{
	// cloud-init knows EC2 by its firmware, which a container has not got, and speaks the second version of the metadata
	// service only where it has known EC2. So the machine's disk holds what it would have been told, in the form of NoCloud.
	// The network is there before the machine is.
	"etc/cloud/cloud.cfg.d/90_lab.cfg": "datasource_list: [NoCloud]\n" +
		"network: {config: disabled}\n" +
		"locale: C.UTF-8\n",
	"etc/machine-id": "",
	"etc/fstab":      "",
}

// masked are units that have nothing to do here.
var masked = []string{
	"apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "fstrim.timer", "getty@tty1.service", "console-getty.service",
	"container-getty@.service", "dev-hugepages.mount", "sys-fs-fuse-connections.mount", "systemd-pstore.service", "e2scrub_reap.service",
}

const (
	// imageTimeout bounds the making of the image. It takes two minutes; a slow line to the mirror takes more.
	imageTimeout = 30 * time.Minute
	// imageNews is how often one hears of it.
	imageNews = 20 * time.Second
	lockRetry = time.Second
)

// Possible says whether machines can be run here, and if not, what to do.
func Possible() error {
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		return errors.New("hosts=nspawn needs Linux and root: run it with sudo, or use hosts=process, which needs neither")
	}
	for program, debian := range map[string]string{
		"systemd-nspawn": "systemd-container", "mmdebstrap": "mmdebstrap", "unshare": "util-linux", "nsenter": "util-linux",
	} {
		if _, err := exec.LookPath(program); err != nil {
			return fmt.Errorf("hosts=nspawn needs %s: run `make e2e-prerequisites` (Debian package %s)", program, debian)
		}
	}
	return nil
}

// key is what an image is made of, as a name.
func key() string {
	sum := sha256.New()
	_, _ = fmt.Fprintln(sum, suite, mirror, runtime.GOARCH, packages, settings, masked) // maps are printed sorted
	return suite + "-" + hex.EncodeToString(sum.Sum(nil))[:12]
}

// Image is the folder of the root file system that machines boot from. It is made once and kept in the user's cache.
func Image(ctx context.Context, progress io.Writer) (string, error) {
	if err := Possible(); err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find a folder for the machines' image: %w", err)
	}
	folder := filepath.Join(cache, "user-management-stack", "images")
	image := filepath.Join(folder, key())
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", fmt.Errorf("make a folder for the machines' image: %w", err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, imageTimeout, fmt.Errorf("the image is not made after %s", imageTimeout))
	defer cancel()
	lock := flock.New(image + ".lock")
	if _, err := lock.TryLockContext(ctx, lockRetry); err != nil {
		return "", fmt.Errorf("wait for another lab that makes the machines' image: %w", context.Cause(ctx))
	}
	defer lock.Unlock() //nolint:errcheck // the end of the process unlocks it too
	if _, err := os.Stat(image); err == nil {
		return image, nil
	}
	if err := makeImage(ctx, image, progress); err != nil {
		return "", fmt.Errorf("make the machines' image: %w", err)
	}
	return image, nil
}

// makeImage makes an image beside its place and moves it there whole.
func makeImage(ctx context.Context, image string, progress io.Writer) error {
	partial := image + ".partial"
	// While it is made, this machine's /dev and /sys are mounted in it. What was left behind is removed without going there,
	// and what is made now is mounted out of everybody's sight, and gone with its last process.
	err := process.Run(ctx, process.Spec{
		Name: "rm", Path: "rm", Args: []string{"-rf", "--one-file-system", partial}, LogPath: image + ".log",
	})
	if err != nil {
		return err
	}
	defer report(progress, time.Now())()
	err = process.Run(ctx, process.Spec{
		Name: "mmdebstrap", Path: "unshare", LogPath: image + ".log",
		Args: append([]string{"--mount", "--propagation", "private", "mmdebstrap"}, arguments(partial)...),
	})
	if err != nil {
		return fmt.Errorf("%w; its whole output is in %s.log", err, image)
	}
	if err := settle(partial); err != nil {
		return err
	}
	return os.Rename(partial, image)
}

// arguments has mmdebstrap not wait for the disk: what is made is complete or thrown away. It is used because debootstrap
// cannot configure cloud-init's packages in the order that they need, and takes longer.
func arguments(folder string) []string {
	all := []string{"--mode=root", "--variant=apt", "--include=" + strings.Join(packages, ",")}
	const hooks = "/usr/share/mmdebstrap/hooks/eatmydata"
	if _, err := os.Stat(hooks); err == nil {
		all = append(all, "--hook-dir="+hooks)
	}
	return append(all, suite, folder, mirror)
}

// settle makes an image of what the packages have left.
func settle(root string) error {
	for path, text := range settings {
		if err := os.WriteFile(filepath.Join(root, path), []byte(text), 0o644); err != nil { //nolint:gosec // as Debian has them
			return err
		}
	}
	for _, unit := range masked {
		path := filepath.Join(root, "etc", "systemd", "system", unit)
		if err := os.Symlink("/dev/null", path); err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
	}
	// Each machine makes host keys of its own, as cloud-init does on EC2. Its journal outlives a restart.
	keys, err := filepath.Glob(filepath.Join(root, "etc", "ssh", "ssh_host_*"))
	if err != nil {
		return err
	}
	for _, path := range append(keys, filepath.Join(root, "etc", "resolv.conf"), filepath.Join(root, "etc", "hostname")) {
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return os.MkdirAll(filepath.Join(root, "var", "log", "journal"), 0o755) //nolint:gosec // as systemd makes it
}

// report says at intervals that the image is still being made.
func report(progress io.Writer, begun time.Time) (stop func()) {
	if progress == nil {
		return func() {}
	}
	_, _ = fmt.Fprintf(progress, "machines: making the image, Debian %s with %s, about 2 minutes, once\n", suite, strings.Join(packages, " "))
	ended, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		ticker := time.NewTicker(imageNews)
		defer ticker.Stop()
		for {
			select {
			case <-ended:
				return
			case <-ticker.C:
				_, _ = fmt.Fprintf(progress, "machines: still making the image, after %s\n", time.Since(begun).Round(time.Second))
			}
		}
	}()
	return func() { close(ended); <-done }
}
