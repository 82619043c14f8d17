package dns

import (
	"errors"
	"net"
	"net/netip"
	"strings"

	"github.com/miekg/dns"
)

// answerTTL is how long an answer may be kept, in seconds: as long as AWS says of a load balancer's name.
const answerTTL = 60

// Server answers questions of the DNS protocol (RFC 1035). It is a library's, because hosts ask in whatever form their
// resolver likes.
type Server struct{ udp, tcp *dns.Server }

// Serve answers on two sockets until Stop. A name that lookup does not know does not exist; there is nobody else to ask.
func Serve(udp net.PacketConn, tcp net.Listener, lookup func(name string) []netip.Addr) *Server {
	handler := dns.HandlerFunc(func(w dns.ResponseWriter, asked *dns.Msg) {
		_ = w.WriteMsg(answer(asked, lookup)) // whoever asked has gone
	})
	s := &Server{udp: &dns.Server{PacketConn: udp, Handler: handler}, tcp: &dns.Server{Listener: tcp, Handler: handler}}
	go s.udp.ActivateAndServe() //nolint:errcheck // ends with the server
	go s.tcp.ActivateAndServe() //nolint:errcheck // ends with the server
	return s
}

// Stop closes the sockets.
func (s *Server) Stop() error {
	return errors.Join(s.udp.PacketConn.Close(), s.tcp.Listener.Close())
}

func answer(asked *dns.Msg, lookup func(name string) []netip.Addr) *dns.Msg {
	reply := new(dns.Msg).SetReply(asked)
	reply.RecursionAvailable = true
	if len(asked.Question) != 1 {
		reply.Rcode = dns.RcodeFormatError
		return reply
	}
	question := asked.Question[0]
	found := lookup(strings.TrimSuffix(strings.ToLower(question.Name), "."))
	if len(found) == 0 {
		reply.Rcode = dns.RcodeNameError
		return reply
	}
	if question.Qtype != dns.TypeA && question.Qtype != dns.TypeANY {
		return reply // the name exists, and has nothing of that type
	}
	for _, address := range found {
		reply.Answer = append(reply.Answer, &dns.A{
			Hdr: dns.RR_Header{Name: question.Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: answerTTL}, A: address.AsSlice(),
		})
	}
	return reply
}
