package probe

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/bits"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"usermanagement.dev/stack/internal/health"
	"usermanagement.dev/stack/internal/hostcontract"
)

const (
	// answerTimeout bounds one question, connection and TLS included.
	answerTimeout = 3 * time.Second
	// maxBody is more than any health document has, in bytes.
	maxBody = 64 << 10
	// maxWord bounds what is believed of a host's own words, in bytes.
	maxWord = 200
	// atOnce bounds the questions of one round that are under way at the same time.
	atOnce = 8
)

// asker asks the hosts behind load balancers.
type asker struct {
	proxy func(*http.Request) (*url.URL, error)
	roots *x509.CertPool
}

// round asks until each wanted host has answered once, or so often that one that serves would have. A load balancer
// chooses a host for each connection, so each question has a connection of its own.
func (a asker) round(ctx context.Context, target Target) health.Round {
	client := a.client(target)
	var (
		round    health.Round
		troubles = map[string]int{}
		left     = attempts(len(target.Hosts))
	)
	for left > 0 && ctx.Err() == nil && !round.Complete(target.Hosts) {
		batch := min(left, atOnce, max(len(target.Hosts), 1))
		left -= batch
		for _, got := range a.batch(ctx, client, target, batch) {
			if got.trouble != "" {
				troubles[got.trouble]++
				continue
			}
			round.Answers = append(round.Answers, got.answer)
		}
		if len(round.Answers) == 0 && troubled(troubles) >= giveUp {
			break
		}
	}
	if len(round.Answers) == 0 {
		round.Trouble = commonest(troubles)
	}
	return round
}

// giveUp is how many questions without one answer are enough for a round.
const giveUp = 6

// attempts is after how many questions a host that has not answered does not: with a balancer that chooses at random, one
// that serves is missed once in some thousand rounds.
func attempts(hosts int) int { return hosts * (6 + 2*bits.Len(uint(hosts))) }

func troubled(troubles map[string]int) int {
	n := 0
	for _, count := range troubles {
		n += count
	}
	return n
}

// commonest is the trouble met most, by name where several are.
func commonest(troubles map[string]int) string {
	if len(troubles) == 0 {
		return ""
	}
	return slices.MaxFunc(slices.Sorted(maps.Keys(troubles)), func(x, y string) int {
		return cmp.Or(cmp.Compare(troubles[x], troubles[y]), strings.Compare(y, x))
	})
}

type reply struct {
	answer  health.Answer
	trouble string
}

func (a asker) batch(ctx context.Context, client *http.Client, target Target, n int) []reply {
	replies := make([]reply, n)
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() { replies[i] = ask(ctx, client, target) })
	}
	group.Wait()
	return replies
}

// client makes connections as a user's browser would: to the load balancer, with the domain's name in TLS, and through
// the proxy if there is one.
func (a asker) client(target Target) *http.Client {
	transport := &http.Transport{
		Proxy: a.proxy, DisableKeepAlives: true, MaxResponseHeaderBytes: maxBody,
		TLSClientConfig: &tls.Config{ServerName: target.Domain, RootCAs: a.roots, MinVersion: tls.VersionTLS12},
	}
	return &http.Client{
		Transport: transport, Timeout: answerTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// ask asks whichever host the load balancer chooses.
func ask(ctx context.Context, client *http.Client, target Target) reply {
	where := url.URL{Scheme: "http", Host: target.Address, Path: hostcontract.HealthPath}
	if target.Domain != "" {
		where.Scheme = "https"
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, where.String(), nil)
	if err != nil {
		return reply{trouble: "it has an address that is none"}
	}
	request.Host = target.Domain
	request.Header.Set("User-Agent", "user-management-stack-operator")
	response, err := client.Do(request)
	if err != nil {
		return reply{trouble: trouble(err)}
	}
	defer response.Body.Close() //nolint:errcheck // only read
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBody))
	if err != nil {
		return reply{trouble: trouble(err)}
	}
	return read(response.StatusCode, body)
}

// read is what an answer says. One that no host can have given is trouble of the load balancer.
func read(code int, body []byte) reply {
	var document hostcontract.Health
	if err := json.Unmarshal(body, &document); err != nil || document.Host == "" {
		return reply{trouble: fmt.Sprintf("the load balancer answers %d itself", code)}
	}
	answer := health.Answer{
		Host: word(document.Host), Version: word(document.Version), Zone: word(document.Zone),
		Good: code == http.StatusOK && document.Status == hostcontract.StatusOK,
	}
	if !answer.Good {
		answer.Reason = word(complaint(document))
	}
	return reply{answer: answer}
}

// complaint is what a host says of its trouble: its failing checks, or else its status.
func complaint(document hostcontract.Health) string {
	var failing []string
	for _, name := range slices.Sorted(maps.Keys(document.Checks)) {
		if check := document.Checks[name]; check.Status != hostcontract.StatusOK {
			failing = append(failing, strings.TrimSuffix(name+": "+check.Reason, ": "))
		}
	}
	if len(failing) == 0 {
		return string(document.Status)
	}
	return strings.Join(failing, ", ")
}

// word is a host's own text, bounded, on one line.
func word(text string) string {
	text = strings.Join(strings.Fields(strings.ToValidUTF8(text, "")), " ")
	if len(text) > maxWord {
		text = strings.ToValidUTF8(text[:maxWord], "")
	}
	return text
}

// trouble is an error in words that stay the same from one try to the next: a load balancer has several addresses, and
// each connection a port of its own.
func trouble(err error) string {
	var (
		name        *net.DNSError
		certificate *tls.CertificateVerificationError
		timeout     interface{ Timeout() bool }
	)
	const unreached = "the operator cannot reach the load balancer: "
	switch {
	case errors.As(err, &name):
		return unreached + "its name does not resolve"
	case errors.As(err, &certificate):
		return unreached + "its certificate is not trusted: " + word(certificate.Err.Error())
	case errors.Is(err, syscall.ECONNREFUSED):
		return unreached + "connection refused"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the load balancer ends the connection without an answer"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return unreached + "there is no way to it"
	case errors.As(err, &timeout) && timeout.Timeout():
		return unreached + "no answer in time"
	case strings.Contains(err.Error(), "proxyconnect"), strings.Contains(err.Error(), "Bad Gateway"):
		return unreached + "the proxy has no way to it"
	default:
		return unreached + "the connection fails"
	}
}
