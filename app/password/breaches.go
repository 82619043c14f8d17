package password

import (
	"bufio"
	"context"
	"crypto/sha1" //nolint:gosec // what the service's protocol is made of
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"
)

// Breaches asks a service of the form of Have I Been Pwned whether a password was ever found in a leak. The service sees five
// digits of the password's SHA-1, which fit hundreds of others.
type Breaches struct {
	url    string
	client *http.Client
	log    *slog.Logger
}

const (
	// breachTimeout bounds a question: a person waits for the answer.
	breachTimeout = 800 * time.Millisecond
	// breachAnswer bounds an answer; the real ones have some 40 KiB.
	breachAnswer = 1 << 20
	// prefixSize is how many digits of the hash the service sees.
	prefixSize = 5
)

// NewBreaches asks at the address that the five digits are put behind, such as https://api.pwnedpasswords.com/range/.
func NewBreaches(address string, log *slog.Logger) *Breaches {
	return &Breaches{url: strings.TrimSuffix(address, "/") + "/", client: &http.Client{Timeout: breachTimeout}, log: log}
}

// Known says whether the password was found in a leak. A service that gives no answer is no reason to keep somebody from a
// new password: it is logged, and the other rules stand.
func (b *Breaches) Known(ctx context.Context, password string) bool {
	if b == nil {
		return false
	}
	known, err := b.ask(ctx, password)
	if err != nil {
		b.log.Warn("a new password could not be looked up among those of leaks", "error", err.Error())
	}
	return known
}

func (b *Breaches) ask(ctx context.Context, password string) (bool, error) {
	sum := sha1.Sum([]byte(norm.NFC.String(password))) //nolint:gosec // see above
	digest := strings.ToUpper(hex.EncodeToString(sum[:]))
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, b.url+digest[:prefixSize], nil)
	if err != nil {
		return false, fmt.Errorf("ask about leaks: %w", err)
	}
	req.Header.Set("Add-Padding", "true") // so that the answer's size does not tell either
	req.Header.Set("User-Agent", "usermanagement")
	res, err := b.client.Do(req)
	if err != nil {
		return false, fmt.Errorf("ask about leaks: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return false, fmt.Errorf("ask about leaks: %s", res.Status)
	}
	lines := bufio.NewScanner(io.LimitReader(res.Body, breachAnswer))
	for lines.Scan() {
		suffix, count, _ := strings.Cut(strings.TrimSpace(lines.Text()), ":")
		if strings.EqualFold(suffix, digest[prefixSize:]) && count != "0" { // padding has the count 0
			return true, nil
		}
	}
	return false, lines.Err()
}
