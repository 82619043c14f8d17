package origin

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
)

// ReleaseHost is the name under which releases are fetched.
const ReleaseHost = "releases.example.com"

// Artifact is a binary that can be fetched.
type Artifact struct {
	Version, Architecture string
	// URL is where it is, SHA256 its checksum in lower-case hexadecimal digits.
	URL, SHA256 string
}

// Releases serves binaries of the app.
type Releases struct {
	mu    sync.Mutex
	files map[string]string // by path
}

// Add has a file served as a version's binary for an architecture, named as in GOARCH.
func (r *Releases) Add(version, architecture, file string) (Artifact, error) {
	sum, err := checksum(file)
	if err != nil {
		return Artifact{}, fmt.Errorf("release %s: %w", version, err)
	}
	path := fmt.Sprintf("/app/%s/app-linux-%s", version, architecture)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.files == nil {
		r.files = map[string]string{}
	}
	r.files[path] = file
	return Artifact{Version: version, Architecture: architecture, URL: "https://" + ReleaseHost + path, SHA256: sum}, nil
}

// ServeHTTP serves what was added, and nothing else of the folders that it is in.
func (r *Releases) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	r.mu.Lock()
	file, ok := r.files[request.URL.Path]
	r.mu.Unlock()
	if !ok {
		http.NotFound(w, request)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	http.ServeFile(w, request, file)
}

func checksum(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close() //nolint:errcheck // only read
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
