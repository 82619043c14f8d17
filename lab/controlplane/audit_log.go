package controlplane

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os"
	"slices"
	"time"
)

// auditPolicy logs every request once, when it is answered (a watch also when it
// begins), with its user but without bodies. Health checks are nobody's work.
// https://kubernetes.io/docs/reference/config-api/apiserver-audit.v1/
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: None
  nonResourceURLs: ["/readyz*", "/livez*", "/healthz*", "/metrics"]
- level: Metadata
`

// auditEvent is what is used of an event of audit.k8s.io/v1.
type auditEvent struct {
	AuditID    string `json:"auditID"`
	Stage      string `json:"stage"`
	RequestURI string `json:"requestURI"`
	Verb       string `json:"verb"`
	User       struct {
		Username string `json:"username"`
	} `json:"user"`
	ObjectRef struct {
		Resource    string `json:"resource"`
		Namespace   string `json:"namespace"`
		Name        string `json:"name"`
		APIGroup    string `json:"apiGroup"`
		Subresource string `json:"subresource"`
	} `json:"objectRef"`
	ResponseStatus struct {
		Code int `json:"code"`
	} `json:"responseStatus"`
	UserAgent                string    `json:"userAgent"`
	RequestReceivedTimestamp time.Time `json:"requestReceivedTimestamp"`
}

// auditReader reads a growing audit log, each line once.
type auditReader struct {
	path    string
	offset  int64
	partial []byte
	// begun holds the watches that were counted at their begin and have not ended.
	begun map[string]bool
}

// read returns the requests that were logged since the last call.
func (r *auditReader) read() ([]Request, error) {
	f, err := os.Open(r.path)
	if err != nil {
		return nil, fmt.Errorf("open the audit log: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	if _, err := f.Seek(r.offset, io.SeekStart); err != nil {
		return nil, fmt.Errorf("read the audit log: %w", err)
	}
	fresh, err := io.ReadAll(f)
	if err != nil {
		return nil, fmt.Errorf("read the audit log: %w", err)
	}
	r.offset += int64(len(fresh))
	data := slices.Concat(r.partial, fresh)
	end := bytes.LastIndexByte(data, '\n') + 1
	r.partial = bytes.Clone(data[end:])
	return r.parse(data[:end])
}

func (r *auditReader) parse(lines []byte) ([]Request, error) {
	var requests []Request
	for line := range bytes.Lines(lines) {
		var event auditEvent
		if err := json.Unmarshal(line, &event); err != nil {
			return nil, fmt.Errorf("read an event of the audit log %q: %w", line, err)
		}
		if r.counts(&event) {
			requests = append(requests, event.request())
		}
	}
	return requests, nil
}

// counts says whether the event stands for a request that was not seen before: long
// running ones are logged when they begin and again when they end.
func (r *auditReader) counts(event *auditEvent) bool {
	if event.Stage == "ResponseStarted" {
		r.begun[event.AuditID] = true
		return true
	}
	seen := r.begun[event.AuditID]
	delete(r.begun, event.AuditID)
	return !seen
}

func (e *auditEvent) request() Request {
	request := Request{
		RequestKey: RequestKey{
			User:        e.User.Username,
			Verb:        e.Verb,
			Group:       e.ObjectRef.APIGroup,
			Resource:    e.ObjectRef.Resource,
			Subresource: e.ObjectRef.Subresource,
		},
		Namespace: e.ObjectRef.Namespace,
		Name:      e.ObjectRef.Name,
		URI:       e.RequestURI,
		Code:      e.ResponseStatus.Code,
		UserAgent: e.UserAgent,
		Received:  e.RequestReceivedTimestamp,
	}
	if uri, err := url.ParseRequestURI(e.RequestURI); err == nil {
		request.DryRun = uri.Query().Has("dryRun")
		if request.Resource == "" {
			request.Path = uri.Path
		}
	}
	return request
}
