package controlplane

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
)

const (
	// markerUser makes the requests by which a counter sees that the log has caught up.
	markerUser = "lab-audit-marker"
	// catchUpLimit bounds the wait for the log.
	catchUpLimit = 10 * time.Second
	catchUpPoll  = 5 * time.Millisecond
)

// RequestKey is what requests are counted by.
type RequestKey struct {
	// User is the authenticated user, for example lab-admin or
	// system:serviceaccount:default:operator.
	User string
	// Verb is Kubernetes' verb of the request: get, list, watch, create, update, patch
	// (server-side apply too), delete, deletecollection.
	Verb string
	// DryRun says that nothing was to be stored.
	DryRun bool
	// Group and Resource name the kind, for example ec2.services.k8s.aws and vpcs. The
	// core group is empty.
	Group, Resource string
	// Subresource is for example status; mostly empty.
	Subresource string
	// Path is set for what is no resource, for example /apis or /openapi/v3.
	Path string
}

// IsWrite says whether such a request changes what is stored.
func (k RequestKey) IsWrite() bool {
	return !k.DryRun && slices.Contains([]string{"create", "update", "patch", "delete", "deletecollection"}, k.Verb)
}

// IsLiveRead says whether such a request reads objects past any cache of the client: a
// get or a list. A watch is none.
func (k RequestKey) IsLiveRead() bool {
	return k.Resource != "" && (k.Verb == "get" || k.Verb == "list")
}

// Request is one request that the API server has answered.
type Request struct {
	RequestKey
	Namespace, Name string
	// URI is the request's address with its parameters.
	URI string
	// Code is the HTTP status of the answer.
	Code      int
	UserAgent string
	Received  time.Time
}

// RequestCounts is how many requests there were of each sort.
type RequestCounts map[RequestKey]int

// Count groups requests.
func Count(requests []Request) RequestCounts {
	counts := RequestCounts{}
	for i := range requests {
		counts[requests[i].RequestKey]++
	}
	return counts
}

// Total is the number of the requests for which keep is true; nil keeps all.
func (c RequestCounts) Total(keep func(RequestKey) bool) int {
	total := 0
	for key, n := range c {
		if keep == nil || keep(key) {
			total += n
		}
	}
	return total
}

// By are the counts of one user.
func (c RequestCounts) By(user string) RequestCounts {
	own := RequestCounts{}
	for key, n := range c {
		if key.User == user {
			own[key] = n
		}
	}
	return own
}

// Writes is the number of requests that change what is stored.
func (c RequestCounts) Writes() int { return c.Total(RequestKey.IsWrite) }

// LiveReads is the number of gets and lists of resources.
func (c RequestCounts) LiveReads() int { return c.Total(RequestKey.IsLiveRead) }

// String is a table, sorted, for the message of a failed test.
func (c RequestCounts) String() string {
	var lines []string
	for key, n := range c {
		what := key.Path
		if key.Resource != "" {
			what = strings.TrimSuffix(key.Resource+"."+key.Group, ".")
		}
		if key.Subresource != "" {
			what += "/" + key.Subresource
		}
		verb := key.Verb
		if key.DryRun {
			verb += " (dry run)"
		}
		lines = append(lines, fmt.Sprintf("%s\t%s\t%s\t%d", key.User, verb, what, n))
	}
	slices.Sort(lines)
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, strings.Join(lines, "\n")) // a Builder does not fail
	_ = w.Flush()
	return table.String()
}

// RequestCounter counts the requests that the API server has answered since a mark. It
// reads the server's own audit log: it knows users, and nothing that a client does can
// pass it by. It is not for concurrent use; make one per reader.
type RequestCounter struct {
	log      auditReader
	marker   *http.Client
	host     string
	requests []Request
}

// NewRequestCounter makes a counter whose mark is now. The control plane must have been
// started with Options.Audit.
func (cp *ControlPlane) NewRequestCounter(ctx context.Context) (*RequestCounter, error) {
	if !cp.opts.Audit {
		return nil, errors.New("count requests: the control plane was started without Options.Audit")
	}
	config, err := cp.UserConfig(markerUser)
	if err != nil {
		return nil, err
	}
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, fmt.Errorf("make a client for the audit marker: %w", err)
	}
	c := &RequestCounter{
		log:    auditReader{path: cp.layout.auditLog(), begun: map[string]bool{}},
		marker: client,
		host:   config.Host,
	}
	if err := c.Mark(ctx); err != nil {
		return nil, err
	}
	return c, nil
}

// Mark forgets all requests that were answered so far.
func (c *RequestCounter) Mark(ctx context.Context) error {
	err := c.catchUp(ctx)
	c.requests = nil
	return err
}

// Counts are the requests that were answered since the mark, by user, verb and
// resource. Every request whose answer has arrived before the call is in it.
func (c *RequestCounter) Counts(ctx context.Context) (RequestCounts, error) {
	if err := c.catchUp(ctx); err != nil {
		return nil, err
	}
	return Count(c.requests), nil
}

// Requests are the single requests since the mark, in the order in which they were
// answered; see Counts.
func (c *RequestCounter) Requests(ctx context.Context) ([]Request, error) {
	if err := c.catchUp(ctx); err != nil {
		return nil, err
	}
	return slices.Clone(c.requests), nil
}

// catchUp makes a request that can be told from all others and reads until it shows.
func (c *RequestCounter) catchUp(ctx context.Context) error {
	marker := "/version?marker=" + rand.Text()
	if err := get(ctx, c.marker, c.host+marker); err != nil {
		return fmt.Errorf("make the request that marks the audit log: %w", err)
	}
	err := wait.PollUntilContextTimeout(ctx, catchUpPoll, catchUpLimit, true, func(context.Context) (bool, error) {
		requests, err := c.log.read()
		found := false
		for i := range requests {
			if requests[i].User != markerUser {
				c.requests = append(c.requests, requests[i])
			}
			found = found || requests[i].URI == marker
		}
		return found, err
	})
	if err != nil {
		return fmt.Errorf("wait for the audit log to show the marking request: %w", err)
	}
	return nil
}
