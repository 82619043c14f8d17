package password

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// leaked is a password that the policy alone accepts; its SHA-1 was made by Python's hashlib.
const (
	leaked       = "seventeen violet kettles hum"
	leakedPrefix = "7E24E"
	leakedSuffix = "16482EBBA17C7CA332F6050FFD54607072E"
)

func TestLeakedPasswordsAreRefusedAndTheServiceLearnsFiveDigits(t *testing.T) {
	var asked []string
	answer, status := "0000000000000000000000000000000000A:7\r\n"+leakedSuffix+":52\r\n", http.StatusOK
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Path)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(service.Close)
	var log bytes.Buffer
	p := Policy{MinLength: 15, Breaches: NewBreaches(service.URL+"/range/", slog.New(slog.NewTextHandler(&log, nil)))}
	ctx := context.Background()
	if got := p.Judge(ctx, leaked); got != Breached {
		t.Errorf("a leaked password: %q", got)
	}
	if got := p.Judge(ctx, "short"); got != TooShort {
		t.Errorf("a short password: %q", got)
	}
	if len(asked) != 1 || asked[0] != "/range/"+leakedPrefix {
		t.Errorf("the service was asked for %v", asked)
	}
	if answer = leakedSuffix + ":0\r\n"; p.Judge(ctx, leaked) != "" {
		t.Error("padding counts as a leak")
	}
	if status = http.StatusServiceUnavailable; p.Judge(ctx, leaked) != "" {
		t.Error("a service that is away keeps people from a new password")
	}
	service.Close()
	if p.Judge(ctx, leaked) != "" {
		t.Error("a service that cannot be reached keeps people from a new password")
	}
	if strings.Count(log.String(), "could not be looked up") != 2 || strings.Contains(log.String(), leaked) {
		t.Errorf("the log: %s", log.String())
	}
}
