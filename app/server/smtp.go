package server

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"net/netip"
	"net/smtp"
	"net/url"
	"strings"
	"time"

	"usermanagement.dev/stack/app/config"
)

// smtpTimeout bounds the sending of one message.
const smtpTimeout = 15 * time.Second

// smtpMailer sends by one server. Mails hold links that open accounts, so they go out over TLS only, except to a server on
// this machine.
type smtpMailer struct {
	addr, host string
	implicit   bool // TLS from the first byte, as smtps:// says
	plain      bool // the server is on this machine
	auth       smtp.Auth
	from       *mail.Address
	roots      *tls.Config
}

func newMailer(cfg *config.Config) (mailer, error) {
	if cfg.SMTPURL == "" {
		return nil, nil //nolint:nilnil // no mail is a valid setting
	}
	u, err := url.Parse(cfg.SMTPURL.Reveal())
	if err != nil || u.Scheme != "smtp" && u.Scheme != "smtps" || u.Hostname() == "" {
		return nil, errors.New("UMS_SMTP_URL: want smtp://user:password@host:port or smtps://…, special characters percent-encoded")
	}
	from, err := mail.ParseAddress(cfg.SMTPFrom)
	if err != nil {
		return nil, fmt.Errorf("UMS_SMTP_FROM: %w", err)
	}
	m := &smtpMailer{host: u.Hostname(), implicit: u.Scheme == "smtps", plain: isThisMachine(u.Hostname()), from: from}
	port := u.Port()
	if port == "" {
		port = map[bool]string{false: "587", true: "465"}[m.implicit]
	}
	m.addr = net.JoinHostPort(m.host, port)
	m.roots = &tls.Config{ServerName: m.host, MinVersion: tls.VersionTLS12}
	if password, ok := u.User.Password(); ok {
		m.auth = smtp.PlainAuth("", u.User.Username(), password, m.host)
	}
	return m, nil
}

func isThisMachine(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// Send implements mailer.
func (m *smtpMailer) Send(ctx context.Context, to, subject, body string) error {
	address, err := mail.ParseAddress(to)
	if err != nil || strings.ContainsAny(subject, "\r\n") {
		return errors.New("send mail: the address or subject is not valid")
	}
	text, err := m.message(address, subject, body)
	if err != nil {
		return fmt.Errorf("write the mail: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, smtpTimeout)
	defer cancel()
	if err := m.deliver(ctx, address.Address, text); err != nil {
		return fmt.Errorf("send mail by %s: %w", m.addr, err)
	}
	return nil
}

func (m *smtpMailer) message(to *mail.Address, subject, body string) ([]byte, error) {
	var out bytes.Buffer
	for _, header := range [][2]string{
		{"From", m.from.String()},
		{"To", to.String()},
		{"Subject", mime.QEncoding.Encode("utf-8", subject)},
		{"Date", time.Now().UTC().Format(time.RFC1123Z)},
		{"Auto-Submitted", "auto-generated"},
		{"MIME-Version", "1.0"},
		{"Content-Type", "text/plain; charset=utf-8"},
		{"Content-Transfer-Encoding", "quoted-printable"},
	} {
		out.WriteString(header[0] + ": " + header[1] + "\r\n")
	}
	out.WriteString("\r\n")
	encoder := quotedprintable.NewWriter(&out)
	if _, err := encoder.Write([]byte(body)); err != nil {
		return nil, err
	}
	return out.Bytes(), encoder.Close()
}

func (m *smtpMailer) deliver(ctx context.Context, to string, text []byte) error {
	client, err := m.connect(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }()
	if m.auth != nil {
		if err := client.Auth(m.auth); err != nil {
			return err
		}
	}
	if err := client.Mail(m.from.Address); err != nil {
		return err
	}
	if err := client.Rcpt(to); err != nil {
		return err
	}
	w, err := client.Data()
	if err != nil {
		return err
	}
	if _, err := w.Write(text); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return client.Quit()
}

func (m *smtpMailer) connect(ctx context.Context) (*smtp.Client, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", m.addr)
	if err != nil {
		return nil, err
	}
	if deadline, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(deadline)
	}
	if m.implicit {
		conn = tls.Client(conn, m.roots)
	}
	client, err := smtp.NewClient(conn, m.host)
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	offered, _ := client.Extension("STARTTLS")
	switch {
	case m.implicit:
	case offered:
		err = client.StartTLS(m.roots)
	case !m.plain:
		err = errors.New("the server offers no TLS: links that open accounts are not sent in the clear")
	}
	if err != nil {
		_ = client.Close()
		return nil, err
	}
	return client, nil
}
