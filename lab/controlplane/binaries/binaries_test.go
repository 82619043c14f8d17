package binaries

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofrs/flock"
)

// fakeGo stands in PATH as `go`: it notes its arguments, then does what script says.
// $out is the file after -o, $bin the directory after --bin-dir.
func fakeGo(t *testing.T, script string) (calls func() []string) {
	t.Helper()
	dir := t.TempDir()
	notes := filepath.Join(dir, "calls")
	content := "#!/bin/sh\necho \"$*\" >>" + notes + "\n" +
		`while [ $# -gt 0 ]; do case $1 in -o) out=$2;; --bin-dir) bin=$2;; esac; shift; done` + "\n" + script + "\n"
	program(t, filepath.Join(dir, "go"), content)
	t.Setenv("PATH", dir+string(filepath.ListSeparator)+"/usr/bin:/bin")
	return func() []string {
		data, err := os.ReadFile(notes)
		if err != nil {
			return nil
		}
		return strings.Split(strings.TrimSpace(string(data)), "\n")
	}
}

func program(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o700); err != nil {
		t.Fatal(err)
	}
}

// emptyMachine has no cache and no KUBEBUILDER_ASSETS.
func emptyMachine(t *testing.T) (cache string) {
	t.Helper()
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv(AssetsVariable, "")
	cache, err := CacheDir()
	if err != nil {
		t.Fatal(err)
	}
	return cache
}

func TestVersionIsTheOneOfTheModule(t *testing.T) {
	module, err := os.ReadFile("../../../hack/tools/controlplane/go.mod")
	if err != nil {
		t.Fatal(err)
	}
	staging := strings.Replace(KubernetesVersion, "v1.", "v0.", 1)
	for _, line := range []string{
		"\tk8s.io/kubernetes " + KubernetesVersion,
		"\tk8s.io/apiserver => k8s.io/apiserver " + staging,
	} {
		if !strings.Contains(string(module), line+"\n") && !strings.Contains(string(module), line+" //") {
			t.Errorf("hack/tools/controlplane/go.mod lacks %q", line)
		}
	}
}

func TestAssetsComeFirst(t *testing.T) {
	cache := emptyMachine(t)
	assets := t.TempDir()
	t.Setenv(AssetsVariable, assets)
	for _, c := range []Component{Etcd, APIServer} {
		program(t, filepath.Join(cache, string(c)), "")
		program(t, filepath.Join(assets, string(c)), "")
	}
	found, err := Locator{}.Locate(t.Context(), Etcd, APIServer)
	if err != nil {
		t.Fatal(err)
	}
	for c, path := range found {
		if path != filepath.Join(assets, string(c)) {
			t.Errorf("%s comes from %s, want %s", c, path, assets)
		}
	}
}

func TestAssetsThatLackAProgramAreAnError(t *testing.T) {
	emptyMachine(t)
	assets := t.TempDir()
	t.Setenv(AssetsVariable, assets)
	program(t, filepath.Join(assets, "etcd"), "")
	if err := os.WriteFile(filepath.Join(assets, "kube-apiserver"), nil, 0o600); err != nil { // not executable
		t.Fatal(err)
	}
	_, err := Locator{}.Locate(t.Context(), Etcd, APIServer)
	want := "KUBEBUILDER_ASSETS=" + assets + " holds no executable kube-apiserver: put it there, or unset"
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v\nwant %s", err, want)
	}
}

func TestBuildsOnceThenUsesTheCache(t *testing.T) {
	cache := emptyMachine(t)
	calls := fakeGo(t, `printf program >"$out"`)
	program(t, filepath.Join(cache, stagePrefix+"left", "half"), "") // of an interrupted run
	var progress bytes.Buffer
	locator := Locator{FromSource: true, Progress: &progress}
	for range 2 {
		found, err := locator.Locate(t.Context(), Etcd, APIServer)
		if err != nil {
			t.Fatal(err)
		}
		if got := found[APIServer]; got != filepath.Join(cache, "kube-apiserver") {
			t.Errorf("kube-apiserver is %s", got)
		}
	}
	if got := calls(); len(got) != 2 || !strings.Contains(got[1], "gitVersion="+KubernetesVersion) {
		t.Errorf("go was called with %q, want once for each program, with the version", got)
	}
	want := "building kube-apiserver " + KubernetesVersion + " from Go modules, about 4 minutes, once\n"
	if strings.Count(progress.String(), want) != 1 {
		t.Errorf("progress:\n%swant once: %s", progress.String(), want)
	}
	if left, err := filepath.Glob(filepath.Join(cache, stagePrefix+"*")); err != nil || len(left) > 0 {
		t.Errorf("left in the cache: %v %v", left, err)
	}
}

func TestTwoAtOnceBuildOnce(t *testing.T) {
	emptyMachine(t)
	calls := fakeGo(t, `sleep 0.3; printf program >"$out"`)
	var group sync.WaitGroup
	for range 3 {
		group.Go(func() {
			if _, err := (Locator{FromSource: true}).Locate(t.Context(), Etcd); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if got := calls(); len(got) != 1 {
		t.Errorf("go was called with %q, want once", got)
	}
}

func TestFailedBuildShowsTheCompilersWords(t *testing.T) {
	cache := emptyMachine(t)
	fakeGo(t, `printf half >"$out"; echo "main.go:1: no such thing" >&2; exit 1`)
	_, err := Locator{FromSource: true}.Locate(t.Context(), Etcd)
	if err == nil || !strings.Contains(err.Error(), "go build of etcd ended: exit status 1\nmain.go:1: no such thing") {
		t.Errorf("got %v", err)
	}
	if isProgram(filepath.Join(cache, "etcd")) {
		t.Error("a half-built etcd is in the cache")
	}
}

func TestCancelledBuildEndsWithItsChildren(t *testing.T) {
	emptyMachine(t)
	note := filepath.Join(t.TempDir(), "compiler")
	fakeGo(t, `sleep 60 & echo $! >`+note+`.new; mv `+note+`.new `+note+`; wait`)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	compiler := make(chan string, 1)
	go func() {
		defer cancel()
		compiler <- strings.TrimSpace(contentWithin(note, 10*time.Second))
	}()
	_, err := Locator{FromSource: true}.Locate(ctx, Etcd)
	if err == nil || !strings.Contains(err.Error(), "context canceled") {
		t.Errorf("got %v, want a cancellation", err)
	}
	pid := <-compiler
	if pid == "" {
		t.Fatal("the build has not begun")
	}
	if line := argumentsAfter(pid, 10*time.Second); line != "" {
		t.Errorf("process %s of the cancelled build is still running: %q", pid, line)
	}
}

// contentWithin waits for a file and reads it; it is empty if there is none in time.
func contentWithin(path string, limit time.Duration) string {
	var content string
	until(limit, func() bool {
		data, err := os.ReadFile(path)
		content = string(data)
		return err == nil
	})
	return content
}

// argumentsAfter waits for a process to end. A dead one has no arguments, also while
// nobody has asked for its exit code; one that goes on still has them after limit.
func argumentsAfter(pid string, limit time.Duration) string {
	var arguments []byte
	until(limit, func() bool {
		arguments, _ = os.ReadFile("/proc/" + pid + "/cmdline") // gone is ended
		return len(arguments) == 0
	})
	return string(arguments)
}

func until(limit time.Duration, done func() bool) {
	ticker, deadline := time.NewTicker(10*time.Millisecond), time.Now().Add(limit)
	defer ticker.Stop()
	for !done() && time.Now().Before(deadline) {
		<-ticker.C
	}
}

func TestWaitForAnotherBuildIsBounded(t *testing.T) {
	cache := emptyMachine(t)
	program(t, filepath.Join(cache, ".lock"), "")
	other := flock.New(filepath.Join(cache, ".lock"))
	if got, err := other.TryLock(); err != nil || !got {
		t.Fatal(got, err)
	}
	t.Cleanup(func() {
		if err := other.Unlock(); err != nil {
			t.Error(err)
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	var progress bytes.Buffer
	_, err := Locator{FromSource: true, Progress: &progress}.Locate(ctx, Etcd)
	if err == nil || !strings.Contains(err.Error(), "held by another process") {
		t.Errorf("got %v", err)
	}
	if !strings.Contains(progress.String(), "another process is fetching or building; waiting for it") {
		t.Errorf("progress: %q", progress.String())
	}
}

func TestMissingGoAndMissingCheckoutSayWhatToDo(t *testing.T) {
	emptyMachine(t)
	t.Setenv("PATH", t.TempDir())
	_, err := Locator{FromSource: true}.Locate(t.Context(), Etcd)
	if err == nil || !strings.Contains(err.Error(), "needs Go: install it") {
		t.Errorf("without Go: %v", err)
	}
	t.Chdir(t.TempDir())
	_, err = Locator{FromSource: true}.Locate(t.Context(), Etcd)
	if err == nil || !strings.Contains(err.Error(), "run `make controlplane` in a checkout once") {
		t.Errorf("outside a checkout: %v", err)
	}
}

func TestDownloadedProgramsAreCached(t *testing.T) {
	cache := emptyMachine(t)
	calls := fakeGo(t, `d=$bin/k8s/1.36.2-os-arch; mkdir -p $d; for p in etcd kube-apiserver kubectl; do echo $p >$d/$p; done`)
	stage := filepath.Join(cache, "stage")
	program(t, filepath.Join(stage, "x"), "")
	if err := (Locator{}).download(t.Context(), stage, cache); err != nil {
		t.Fatal(err)
	}
	if got := calls(); len(got) != 1 || !strings.HasPrefix(got[0], "tool setup-envtest use 1.36.x --bin-dir ") {
		t.Errorf("go was called with %q", got)
	}
	found, err := Locator{}.Locate(t.Context(), Etcd, APIServer)
	if err != nil || len(found) != 2 {
		t.Errorf("found %v, %v", found, err)
	}
	t.Setenv("PATH", "")
	if path, ok := Kubectl(); !ok || path != filepath.Join(cache, "kubectl") {
		t.Errorf("kubectl is %s, %v", path, ok)
	}
}

func TestDownloadThatBringsNothingIsAnError(t *testing.T) {
	cache := emptyMachine(t)
	fakeGo(t, `exit 0`)
	stage := filepath.Join(cache, "stage")
	program(t, filepath.Join(stage, "x"), "")
	err := (Locator{}).download(t.Context(), stage, cache)
	if err == nil || !strings.Contains(err.Error(), "left 0 files called etcd, want one") {
		t.Errorf("got %v", err)
	}
}
