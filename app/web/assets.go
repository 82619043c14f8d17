package web

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"
)

// static is what this project writes itself; the app is complete with it alone.
//
//go:embed static
var static embed.FS

// dist is what `make app-assets` builds from npm packages: the Tabler look and htmx. It is not in the repository, and
// may be empty but for a note.
//
//go:embed all:dist
var dist embed.FS

// Assets are the files that pages refer to, by names that change with their content.
type Assets struct {
	files   map[string]Asset // by path under /assets/
	styles  []string
	scripts []string
}

// Asset is a file as it is sent.
type Asset struct {
	ContentType string
	ETag        string
	Body        []byte
	Gzip        []byte
}

// manifest is what the asset build writes about what it made.
type manifest struct {
	Styles  []string `json:"styles"`
	Scripts []string `json:"scripts"`
}

// LoadAssets reads the embedded files. Without built assets the pages use the project's own base style.
func LoadAssets() (*Assets, error) {
	a := &Assets{files: map[string]Asset{}}
	var m manifest
	text, err := dist.ReadFile("dist/manifest.json")
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := a.addStatic("base.css", &a.styles); err != nil {
			return nil, err
		}
	case err != nil:
		return nil, fmt.Errorf("read the built files: %w", err)
	default:
		if err := json.Unmarshal(text, &m); err != nil {
			return nil, fmt.Errorf("read the list of built files: %w", err)
		}
	}
	for _, name := range m.Styles {
		if err := a.add(dist, "dist/"+name, name, &a.styles); err != nil {
			return nil, err
		}
	}
	if err := a.addStatic("app.css", &a.styles); err != nil {
		return nil, err
	}
	for _, name := range []string{"app.js", "palette.js"} { // app.js first: it sets the policy that the others need
		if err := a.addStatic(name, &a.scripts); err != nil {
			return nil, err
		}
	}
	for _, name := range m.Scripts {
		if err := a.add(dist, "dist/"+name, name, &a.scripts); err != nil {
			return nil, err
		}
	}
	if err := a.addStatic("icon.svg", new([]string)); err != nil {
		return nil, err
	}
	return a, nil
}

func (a *Assets) addStatic(name string, list *[]string) error {
	body, err := static.ReadFile("static/" + name)
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	sum := sha256.Sum256(body)
	ext := path.Ext(name)
	hashed := strings.TrimSuffix(name, ext) + "." + hex.EncodeToString(sum[:6]) + ext
	a.files[hashed] = Asset{ContentType: contentType(ext), ETag: hex.EncodeToString(sum[:12]), Body: body}
	a.files[name] = a.files[hashed]
	*list = append(*list, "/assets/"+hashed)
	return nil
}

func (a *Assets) add(files embed.FS, from, name string, list *[]string) error {
	body, err := files.ReadFile(from)
	if err != nil {
		return fmt.Errorf("read the built file %s: %w", name, err)
	}
	sum := sha256.Sum256(body)
	asset := Asset{ContentType: contentType(path.Ext(name)), ETag: hex.EncodeToString(sum[:12]), Body: body}
	if gz, err := files.ReadFile(from + ".gz"); err == nil {
		asset.Gzip = gz
	}
	a.files[name] = asset
	*list = append(*list, "/assets/"+name)
	return nil
}

func contentType(ext string) string {
	switch ext {
	case ".css":
		return "text/css; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	}
	return "application/octet-stream"
}

// Get finds a file by its path under /assets/.
func (a *Assets) Get(name string) (Asset, bool) {
	asset, ok := a.files[name]
	return asset, ok
}

// contentHash is the part of a name that changes with the content.
var contentHash = regexp.MustCompile(`^([\w-]+)\.[0-9a-f]{12}(\.[a-z]+)$`)

// StandIn finds this release's file for a name that another release gave its own. While a release is rolled out, a page
// comes from one host and asks for its style at another: another look is better than none.
func (a *Assets) StandIn(name string) (Asset, bool) {
	if !contentHash.MatchString(name) {
		return Asset{}, false
	}
	plain := contentHash.ReplaceAllString(name, "$1$2")
	for known, asset := range a.files {
		if contentHash.MatchString(known) && contentHash.ReplaceAllString(known, "$1$2") == plain {
			return asset, true
		}
	}
	return Asset{}, false
}

// Styles and Scripts are the addresses that every page refers to, in order.
func (a *Assets) Styles() []string { return a.styles }

// Scripts see Styles.
func (a *Assets) Scripts() []string { return a.scripts }
