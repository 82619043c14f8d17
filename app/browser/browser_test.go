// Package browser_test drives the app with Debian's Chromium, as people do.
package browser_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"usermanagement.dev/stack/app/server"
	"usermanagement.dev/stack/lab/apptest"
)

func TestMain(m *testing.M) { apptest.Main(m) }

const axeFile = "../web/frontend/node_modules/axe-core/axe.min.js"

// requireBrowser leaves these tests out, with the reason, where there is no browser; `make app-test` insists on one.
func requireBrowser(t *testing.T) string {
	t.Helper()
	missing := ""
	path, err := exec.LookPath("chromium")
	if err != nil {
		missing = "no Chromium: install Debian's package chromium"
	} else if _, err := os.Stat(axeFile); err != nil {
		missing = "no axe-core: run `make app-assets`"
	}
	if missing == "" {
		return path
	}
	if os.Getenv("UMS_BROWSER_TESTS") == "required" {
		t.Fatal(missing)
	}
	t.Skip(missing + " (`make app-test` does it)")
	return ""
}

// site is the app listening on loopback.
type site struct {
	url   string
	world *apptest.World
	log   *bytes.Buffer
}

// newSite starts the app with settings of its own, if any: names and values in turn.
func newSite(t *testing.T, settings ...string) *site {
	t.Helper()
	var lc net.ListenConfig
	listener, err := lc.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + listener.Addr().String()
	cfg := apptest.Config(t, append(settings, "UMS_PUBLIC_URL", url)...)
	db := apptest.Open(t, cfg)
	log := &bytes.Buffer{}
	srv, err := server.New(cfg, "test", db, slog.New(slog.NewJSONHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	srv.SchemaReady()
	go func() { _ = srv.Serve(listener) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = srv.Shutdown(ctx)
	})
	return &site{url: url, world: apptest.NewWorld(t, db), log: log}
}

// tab is a browser tab; its methods fail the test.
type tab struct {
	t    *testing.T
	ctx  context.Context
	site *site
}

// violations are kept over page loads by the tab's storage for the session.
const watchPolicy = `document.addEventListener("securitypolicyviolation", (e) => {
  const seen = JSON.parse(sessionStorage.getItem("csp") || "[]");
  seen.push(location.pathname + ": " + e.violatedDirective + " " + e.blockedURI + " " + e.sample);
  sessionStorage.setItem("csp", JSON.stringify(seen));
});`

func newTab(t *testing.T, s *site, scripts bool) *tab {
	t.Helper()
	alloc, stop := chromedp.NewExecAllocator(context.Background(),
		chromedp.ExecPath(requireBrowser(t)), chromedp.Headless, chromedp.NoSandbox, chromedp.Flag("disable-dev-shm-usage", true),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("lang", "en"), chromedp.Flag("no-first-run", true))
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(alloc)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 15*time.Minute)
	t.Cleanup(cancel)
	b := &tab{t: t, ctx: ctx, site: s}
	b.do(chromedp.EmulateViewport(1280, 900))
	b.do(func(ctx context.Context, target *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(
			ctx,
			target,
			page.AddScriptToEvaluateOnNewDocument,
			page.AddScriptToEvaluateOnNewDocumentParams{Source: watchPolicy},
		)
		return chromedp.Void{}, err
	})
	if !scripts {
		b.do(func(ctx context.Context, target *chromedp.Target) (chromedp.Void, error) {
			_, err := cdp.Call(ctx, target, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
			return chromedp.Void{}, err
		})
	}
	return b
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.t.Fatalf("%v\n%s", err, b.site.log.String())
	}
}

func (b *tab) open(path string) {
	b.t.Helper()
	b.do(chromedp.Navigate(b.site.url + path))
}

func (b *tab) fill(name, value string) {
	b.t.Helper()
	b.do(chromedp.SetValue(chromedp.CSS(fmt.Sprintf(`main [name=%q]`, name)), value))
}

// press clicks a button and waits for the page that it leads to.
func (b *tab) press(selector string) {
	b.t.Helper()
	if _, err := chromedp.RunResponse(b.ctx, chromedp.Click(chromedp.CSS(selector))); err != nil {
		b.t.Fatalf("press %s: %v", selector, err)
	}
}

func (b *tab) at() string {
	b.t.Helper()
	url, err := chromedp.Run(b.ctx, chromedp.Location())
	if err != nil {
		b.t.Fatal(err)
	}
	return strings.TrimPrefix(url, b.site.url)
}

func (b *tab) text(selector string) string {
	b.t.Helper()
	text, err := chromedp.Run(b.ctx, chromedp.TextContent(chromedp.CSS(selector)))
	if err != nil {
		b.t.Fatalf("read %s on %s: %v", selector, b.at(), err)
	}
	return text
}

func (b *tab) signIn(name string) {
	b.t.Helper()
	b.open("/login")
	b.fill("login", name)
	b.fill("password", apptest.Password)
	b.press("main button[type=submit]")
}

// inspect runs axe on the page and reports findings of level A and AA, and breaches of the content policy so far.
func (b *tab) inspect(what string) {
	b.t.Helper()
	axe, err := os.ReadFile(axeFile)
	if err != nil {
		b.t.Fatal(err)
	}
	script := string(axe) + `;axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]})
	  .then((r) => JSON.stringify(r.violations.map((v) => v.id + " (" + v.impact + "): " +
	  	v.nodes.slice(0, 3).map((n) => n.target + " " + n.failureSummary).join(" | "))))`
	findings, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](script, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("%s: axe: %v", what, err)
	}
	breaches, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`sessionStorage.getItem("csp") || "[]"`))
	if err != nil {
		b.t.Fatalf("%s: %v", what, err)
	}
	for _, list := range []string{findings, breaches} {
		var found []string
		if err := json.Unmarshal([]byte(list), &found); err != nil {
			b.t.Fatal(err)
		}
		for _, f := range found {
			b.t.Errorf("%s: %s", what, f)
		}
	}
}

// reflows checks that nobody has to scroll sideways to read the page (WCAG 1.4.10), be it all of it or a box in it.
func (b *tab) reflows(what string) {
	b.t.Helper()
	wide, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](widestElements))
	if err != nil || wide != "" {
		b.t.Errorf("%s: wider than there is room for: %s (%v)", what, wide, err)
	}
}

// widestElements names what reaches beyond the window, and boxes whose content is wider than they are. What is there only
// for those who listen is a pixel wide and does not count.
const widestElements = `(() => {
  const width = document.documentElement.clientWidth, found = [];
  for (const e of document.querySelectorAll("body, body *")) {
    if (!e.checkVisibility() || e.closest(".visually-hidden, .skip-link") || e instanceof SVGElement) continue;
    if (e.closest("thead")?.offsetWidth === 1) continue;
    const beyond = Math.round(e.getBoundingClientRect().right - width);
    const style = getComputedStyle(e);
    const scrolls = style.overflowX !== "visible" && e.clientWidth > 1 && e.scrollWidth > e.clientWidth + 1 && !e.matches("input, select");
    if (beyond > 1 || scrolls) found.push(e.tagName + "." + e.className + (scrolls ? " scrolls" : " +" + beyond));
  }
  if (document.documentElement.scrollWidth > width) found.push("the page scrolls");
  return found.slice(0, 6).join(", ");
})()`

// tallest bounds a picture, in pixels: what stands below is more of the same.
const tallest = 1500

// shoot keeps a picture of the page if UMS_SCREENSHOTS names a folder.
func (b *tab) shoot(name string) {
	b.t.Helper()
	dir := os.Getenv("UMS_SCREENSHOTS")
	if dir == "" {
		return
	}
	size, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]int64](`[innerWidth, innerHeight, document.documentElement.scrollHeight]`))
	if err != nil {
		b.t.Fatal(err)
	}
	b.do(chromedp.EmulateViewport(size[0], min(size[2], tallest)))
	picture, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		b.t.Fatal(err)
	}
	b.do(chromedp.EmulateViewport(size[0], size[1]))
	if err := os.WriteFile(filepath.Join(dir, name+".png"), picture, 0o600); err != nil {
		b.t.Fatal(err)
	}
}
