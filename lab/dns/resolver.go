// Package dns knows where the lab's names lead. In the world a name leads to an address, whatever the port; on one
// machine the services of all names share loopback, so that here a name and a port lead to an address and a port.
//
// It knows the names of the lab and no others, and all of them lead to loopback: whoever uses it cannot reach anything
// else.
package dns

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"

	"usermanagement.dev/stack/lab/cloud"
)

// Source knows some names. A name is in lower case, without a dot at its end.
type Source func(name string, port int) (address string, ok bool)

// Resolver follows the record sets of all hosted zones, and asks its sources for what they lead to.
type Resolver struct {
	cloud *cloud.Cloud

	mu      sync.Mutex
	sources []Source
}

// NewResolver makes a resolver that knows the account's record sets.
func NewResolver(c *cloud.Cloud) *Resolver { return &Resolver{cloud: c} }

// Add has a source asked, after those that were added before.
func (r *Resolver) Add(s Source) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sources = append(r.sources, s)
}

// Fixed makes one name and port lead to an address.
func Fixed(name string, port int, address string) Source {
	return func(asked string, askedPort int) (string, bool) { return address, asked == name && askedPort == port }
}

// UnknownNameError says that a name is not one of the lab's, or leads nowhere yet.
type UnknownNameError struct {
	Name string
	Port int
}

// Error implements error.
func (e *UnknownNameError) Error() string {
	return fmt.Sprintf("%s, port %d, leads nowhere in the lab: only its own names do, once what they name is there", e.Name, e.Port)
}

// maxAliases bounds how many records lead to each other.
const maxAliases = 8

// Resolve is the loopback address of a name and port.
func (r *Resolver) Resolve(name string, port int) (address string, err error) {
	asked := strings.TrimSuffix(strings.ToLower(name), ".")
	current := asked
	for range maxAliases {
		if found, ok := r.source(current, port); ok {
			return loopbackOnly(found)
		}
		next, ok := r.alias(current)
		if !ok {
			break
		}
		current = next
	}
	return "", &UnknownNameError{Name: asked, Port: port}
}

// ResolveAddress is Resolve for "name:port".
func (r *Resolver) ResolveAddress(hostport string) (address string, err error) {
	name, text, err := net.SplitHostPort(hostport)
	if err != nil {
		return "", fmt.Errorf("resolve %q: %w", hostport, err)
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		return "", fmt.Errorf("resolve %q: the port is no number: %w", hostport, err)
	}
	return r.Resolve(name, port)
}

func (r *Resolver) source(name string, port int) (address string, ok bool) {
	r.mu.Lock()
	sources := r.sources
	r.mu.Unlock()
	for _, s := range sources {
		if address, ok = s(name, port); ok {
			return address, true
		}
	}
	return "", false
}

// alias is the name that a record set leads to.
func (r *Resolver) alias(name string) (next string, ok bool) {
	for _, set := range r.cloud.RecordSets() {
		if strings.TrimSuffix(set.Name, ".") != name {
			continue
		}
		switch {
		case set.Type == "A" && set.Alias != nil:
			next = set.Alias.DNSName
		case set.Type == "CNAME" && len(set.Values) == 1:
			next = set.Values[0]
		default:
			continue
		}
		return strings.TrimPrefix(strings.TrimSuffix(strings.ToLower(next), "."), "dualstack."), true
	}
	return "", false
}

// loopbackOnly refuses what a source should never say.
func loopbackOnly(address string) (string, error) {
	parsed, err := netip.ParseAddrPort(address)
	if err != nil {
		return "", fmt.Errorf("resolve: %w", err)
	}
	if !parsed.Addr().IsLoopback() {
		return "", fmt.Errorf("resolve: %s is not on this machine", address)
	}
	return address, nil
}
