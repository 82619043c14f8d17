package server_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"mime/quotedprintable"
	"net"
	"net/http"
	"net/mail"
	"net/url"
	"strings"
	"testing"
	"time"

	"usermanagement.dev/stack/app/config"
	"usermanagement.dev/stack/app/users"
	"usermanagement.dev/stack/lab/apptest"
)

// postOffice is a mail server on loopback that keeps what it gets. It speaks just enough of RFC 5321.
type postOffice struct {
	addr  string
	mails chan string
	// refuses is an address that it takes no mail for.
	refuses string
}

func newPostOffice(t *testing.T) *postOffice {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	p := &postOffice{addr: l.Addr().String(), mails: make(chan string, 8)}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go p.serve(conn)
		}
	}()
	return p
}

func (p *postOffice) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	in := bufio.NewReader(conn)
	say := func(line string) { _, _ = io.WriteString(conn, line+"\r\n") }
	say("220 post office")
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		switch verb := strings.ToUpper(strings.Fields(line + " x")[0]); verb {
		case "DATA":
			say("354 go on")
			var text strings.Builder
			for {
				line, err := in.ReadString('\n')
				if err != nil {
					return
				}
				if line == ".\r\n" {
					break
				}
				text.WriteString(line)
			}
			p.mails <- text.String()
			say("250 kept")
		case "QUIT":
			say("221 bye")
			return
		case "RCPT":
			if p.refuses != "" && strings.Contains(line, p.refuses) {
				say("550 nobody of that name")
			} else {
				say("250 fine")
			}
		default:
			say("250 fine")
		}
	}
}

// next is the next mail, read as a mail program does.
func (p *postOffice) next(t *testing.T) (to, subject, body string) {
	t.Helper()
	select {
	case raw := <-p.mails:
		m, err := mail.ReadMessage(strings.NewReader(raw))
		if err != nil {
			t.Fatalf("%v: %s", err, raw)
		}
		text, err := io.ReadAll(quotedprintable.NewReader(m.Body))
		if err != nil {
			t.Fatal(err)
		}
		return m.Header.Get("To"), m.Header.Get("Subject"), strings.ReplaceAll(string(text), "\r\n", "\n")
	case <-time.After(15 * time.Second):
		t.Fatal("no mail came")
	}
	return "", "", ""
}

// linkIn is the path of the link in a mail, which stands on a line of its own.
func linkIn(body, base string) string {
	for line := range strings.Lines(body) {
		if path, ok := strings.CutPrefix(strings.TrimSpace(line), base); ok {
			return path
		}
	}
	return ""
}

func TestLinksGoOutByMailWhereThereIsSMTP(t *testing.T) {
	office := newPostOffice(t)
	h := newHost(t, "UMS_SMTP_URL", "smtp://"+office.addr, "UMS_SMTP_FROM", "Users <users@example.org>")
	admin, _ := h.as("ada", users.RoleAdmin)
	res := admin.post("/users", url.Values{"username": {"carol"}, "email": {"carol@example.org"}, "role": {"user"}, "status": {"active"}})
	if !strings.Contains(res.body, "also sent to carol@example.org") {
		t.Errorf("inviting: %d %s", res.StatusCode, between(res.body, "<main", "</main>"))
	}
	to, subject, body := office.next(t)
	invited := linkIn(body, h.cfg.PublicURL)
	if to != "<carol@example.org>" || subject != "User Management: your account" || !strings.HasPrefix(invited, "/link/") {
		t.Fatalf("the invitation to %s, %q: %s", to, subject, body)
	}
	carol := h.browser()
	carol.get(invited)
	if res := carol.post(invited, url.Values{"password": {apptest.Password}}); res.StatusCode != http.StatusSeeOther {
		t.Fatalf("using the invitation: %d", res.StatusCode)
	}
	stranger := h.browser()
	stranger.get("/forgot")
	var answers []string
	for _, login := range []string{"nobody", "CAROL@example.org"} {
		res := stranger.post("/forgot", url.Values{"login": {login}})
		answers = append(answers, fmt.Sprint(res.StatusCode, res.Header.Get("Location"), len(res.body)))
		stranger.get("/forgot")
	}
	if answers[0] != answers[1] {
		t.Errorf("asking for a link tells whether there is an account: %v", answers)
	}
	to, _, body = office.next(t)
	if reset := linkIn(body, h.cfg.PublicURL); to != "<carol@example.org>" || !strings.HasPrefix(reset, "/link/") ||
		!strings.Contains(body, "Hello carol") {
		t.Errorf("the reset to %s: %s", to, body)
	}
	if strings.Contains(h.log.String(), invited) {
		t.Error("the log holds a link")
	}
}

func TestAMailServerThatIsAwayIsNoFailureOfTheLink(t *testing.T) {
	h := newHost(t, "UMS_SMTP_URL", "smtp://127.0.0.1:1", "UMS_SMTP_FROM", "users@example.org")
	admin, _ := h.as("ada", users.RoleAdmin)
	res := admin.post("/users", url.Values{"username": {"carol"}, "email": {"carol@example.org"}, "role": {"user"}, "status": {"active"}})
	if res.StatusCode != http.StatusOK || !strings.Contains(res.body, "fresh-link") || !strings.Contains(res.body, "could not be sent") {
		t.Errorf("%d %s", res.StatusCode, between(res.body, "<main", "</main>"))
	}
}

func TestWithoutSMTPNobodyAsksForAResetAlone(t *testing.T) {
	h := newHost(t)
	b := h.browser()
	b.get("/login")
	if res := b.post("/forgot", url.Values{"login": {"x"}}); res.StatusCode != http.StatusNotFound {
		t.Errorf("%d", res.StatusCode)
	}
}

func TestASMTPAddressThatCannotBeUsedIsRefusedAtStart(t *testing.T) {
	for _, address := range []string{"http://mail.example.org", "smtp://", "mail.example.org:25"} {
		cfg := apptest.Config(t)
		cfg.SMTPURL, cfg.SMTPFrom = config.Secret(address), "users@example.org"
		if err := newServerError(t, cfg); err == nil || !strings.Contains(err.Error(), "UMS_SMTP_URL") {
			t.Errorf("%s: %v", address, err)
		}
	}
}
