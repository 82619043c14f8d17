package demo

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/chromedp/chromedp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/controllers"
)

// requireBrowser leaves a test out, with the reason, where there is no browser; `make prerequisites` installs one.
func requireBrowser(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil && os.Getenv("UMS_BROWSER_TESTS") == "required" {
		t.Fatal("no Chromium: install Debian's package chromium")
	}
	if err != nil {
		t.Skip("no Chromium: install Debian's package chromium (`make prerequisites` does it)")
	}
	return path
}

// TestSignInAtTheDemosAddress does what the demo's last screen says: makes the first administrator, signs in, and
// releases, while a browser stays signed in.
func TestSignInAtTheDemosAddress(t *testing.T) {
	browser := requireBrowser(t)
	r := start(t, "--sample", impatient(t))
	r.await(t, "How to go on")
	site := find(t, r, `open +(https://users\.example\.localhost:\d+)\n`)
	api := r.api(t)
	tab := newTab(t, browser, chromedp.Flag("ignore-certificate-errors-spki-list", r.serverKey(t, site)))
	tab.signIn(t, site, setupSecret(t, api, "minimal"))

	stack := &v1.UserManagementStack{}
	stack.Namespace, stack.Name = "default", "minimal"
	patch := find(t, r, `-p '(\{"spec":\{"app":.*\})'\n`)
	if err := api.Patch(t.Context(), stack, client.RawPatch(types.MergePatchType, []byte(patch))); err != nil {
		t.Fatal(err)
	}
	r.until(t, "both hosts run 1.4.1 and the browser is signed in all the while", func() bool {
		tab.run(t, chromedp.Navigate(site+"/dashboard"))
		if at := tab.at(t); at != site+"/dashboard" {
			t.Fatalf("the browser was led to %s", at)
		}
		if err := api.Get(t.Context(), client.ObjectKeyFromObject(stack), stack); err != nil {
			t.Fatal(err)
		}
		versions := map[string]int{}
		for _, h := range stack.Status.Hosts.Items {
			versions[h.Health.Version]++
		}
		return len(versions) == 1 && versions["1.4.1"] == 2
	})
	r.end(t)
}

// TestSignInWithoutADomain: a stack that is plain HTTP lets people sign in too, at localhost, where browsers keep cookies that
// are for secure connections.
func TestSignInWithoutADomain(t *testing.T) {
	browser := requireBrowser(t)
	r := start(t, "--sample", "without-domain")
	r.await(t, "How to go on")
	site := find(t, r, `open +(http://localhost:\d+)\n`)
	tab := newTab(t, browser)
	tab.signIn(t, site, setupSecret(t, r.api(t), "without-domain"))
	tab.run(t, chromedp.Navigate(site+"/account"))
	if at := tab.at(t); at != site+"/account" {
		t.Errorf("the browser was led to %s", at)
	}
	r.end(t)
}

// end tells the demo to end, as a closed terminal does, and wants it to clean up.
func (r *run) end(t *testing.T) {
	t.Helper()
	if err := r.command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := r.exit(t); code != 0 {
		t.Errorf("exit code %d:\n%s", code, r.out)
	}
	r.nothingLeft(t)
}

// impatient is the minimal sample with a short drain: the browser's requests are short.
func impatient(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "config", "samples", "minimal.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "minimal.yaml")
	if err := os.WriteFile(path, append(text, "  rollout: {drain: 2s}\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const password = "eleven purple saucepans sing"

// find is the first group of a pattern in what the demo says.
func find(t *testing.T, r *run, pattern string) string {
	t.Helper()
	found := regexp.MustCompile(pattern).FindStringSubmatch(r.out.String())
	if found == nil {
		t.Fatalf("the demo does not say %s:\n%s", pattern, r.out)
	}
	return found[1]
}

// api is the demo's Kubernetes, by the kubeconfig that it names.
func (r *run) api(t *testing.T) client.Client {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", filepath.Join(r.state, "1", "kubeconfig"))
	if err != nil {
		t.Fatal(err)
	}
	scheme, err := controllers.Scheme()
	if err != nil {
		t.Fatal(err)
	}
	api, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	return api
}

func setupSecret(t *testing.T, api client.Client, stack string) string {
	t.Helper()
	secret := &corev1.Secret{}
	if err := api.Get(t.Context(), client.ObjectKey{Namespace: "default", Name: stack + "-app"}, secret); err != nil {
		t.Fatal(err)
	}
	return string(secret.Data["setup-secret"])
}

// serverKey is the hash of the key that the site presents with a certificate of the demo's authority: what a browser is
// told to trust, and nothing else.
func (r *run) serverKey(t *testing.T, site string) string {
	t.Helper()
	authority, err := os.ReadFile(filepath.Join(r.state, "1", "dataplane", "public-authority", "ca.crt"))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authority)
	name, port, _ := strings.Cut(strings.TrimPrefix(site, "https://"), ":")
	dialer := &tls.Dialer{Config: &tls.Config{RootCAs: roots, ServerName: name, MinVersion: tls.VersionTLS12}}
	connection, err := dialer.DialContext(t.Context(), "tcp", net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = connection.Close() }()
	secured, _ := connection.(*tls.Conn)
	sum := sha256.Sum256(secured.ConnectionState().PeerCertificates[0].RawSubjectPublicKeyInfo)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// tab is a browser tab.
type tab struct{ ctx context.Context }

func newTab(t *testing.T, browser string, more ...chromedp.ExecAllocatorOption) *tab {
	t.Helper()
	allocator, stop := chromedp.NewExecAllocator(context.Background(), append([]chromedp.ExecAllocatorOption{
		chromedp.ExecPath(browser), chromedp.Headless, chromedp.NoSandbox, chromedp.Flag("disable-dev-shm-usage", true),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("no-first-run", true),
	}, more...)...)
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, patience)
	t.Cleanup(cancel)
	return &tab{ctx}
}

func (b *tab) run(t *testing.T, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		t.Fatal(err)
	}
}

func (b *tab) at(t *testing.T) string {
	t.Helper()
	at, err := chromedp.Run(b.ctx, chromedp.Location())
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// signIn makes the first administrator at the address that the demo shows, and signs in.
func (b *tab) signIn(t *testing.T, site, secret string) {
	t.Helper()
	b.run(t,
		chromedp.Navigate(site+"/setup#"+secret),
		chromedp.SetValue(chromedp.CSS(`main [name="username"]`), "root1"),
		chromedp.SetValue(chromedp.CSS(`main [name="email"]`), "root@example.org"),
		chromedp.SetValue(chromedp.CSS(`main [name="password"]`), password),
	)
	b.submit(t, site+"/login?done=done.setup")
	b.run(t,
		chromedp.SetValue(chromedp.CSS(`main [name="login"]`), "root1"),
		chromedp.SetValue(chromedp.CSS(`main [name="password"]`), password),
	)
	b.submit(t, site+"/dashboard")
}

// submit sends the page's form and wants to be led somewhere.
func (b *tab) submit(t *testing.T, wanted string) {
	t.Helper()
	if _, err := chromedp.RunResponse(b.ctx, chromedp.Click(chromedp.CSS("main button[type=submit]"))); err != nil {
		t.Fatal(err)
	}
	if at := b.at(t); at != wanted {
		t.Fatalf("the form leads to %s, want %s", at, wanted)
	}
}
