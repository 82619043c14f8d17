package network

import (
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"usermanagement.dev/stack/lab/cloud/cloudtest"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestText has a whole stack's network as text before one's eyes.
func TestText(t *testing.T) {
	a := newAccount(t)
	w := Snapshot(a.cloud)
	var pieces strings.Builder
	for _, p := range lab("lab").pieces(w, []netip.Addr{netip.MustParseAddr(administrator)}) {
		pieces.WriteString(p.text() + "\n")
	}
	for name, got := range map[string]string{"stack.links": pieces.String(), "stack.nft": firewall(w, a.vpc)} {
		path := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want := string(cloudtest.Must[[]byte](t)(os.ReadFile(path)))
		if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
