package ack

import (
	"regexp"
	"strings"
)

// varying is what differs from one try to the next in what AWS, its SDK and API servers say.
var varying = []struct {
	pattern *regexp.Regexp
	instead string
}{
	// RequestID: 59a1…, of the AWS SDK; (…; Request ID: 59a1…; Proxy: null), of some services; RequestId of XML.
	{regexp.MustCompile(`(?i)[,;]?\s*\b(request|host)[\s_-]?id\s*[:=]\s*[0-9a-z+/=._-]+[,;]?`), ""},
	// What EC2 adds to a refusal for sts:DecodeAuthorizationMessage, encrypted anew for each.
	{regexp.MustCompile(`(?i)\s*encoded authorization failure message:\s*[0-9a-z+/=_-]+`), ""},
	// 2026-01-02T15:04:05.999Z, 2026-01-02 15:04:05 +0000, and 20260102T150405Z of signatures.
	{regexp.MustCompile(`\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2})?([.,]\d+)?( ?(Z|UTC|[+-]\d{2}:?\d{2}))?)?`), "<time>"},
	{regexp.MustCompile(`\b\d{8}T\d{6}Z`), "<time>"},
	// read tcp 10.0.0.7:51234->10.0.0.1:443: the first port is another one for each connection.
	{regexp.MustCompile(`(\d+\.\d+\.\d+\.\d+|\[[0-9a-fA-F:]+\]):\d+->`), "$1->"},
}

// StableMessage is a message without what differs from one try to the next, on one line and cut to a number of bytes,
// so that a status that says the same thing stays the same.
func StableMessage(message string, limit int) string {
	const cut = "…"
	message = strings.Join(strings.Fields(strings.ToValidUTF8(message, "")), " ")
	// Whatever varies has digits in it, and most of what is said has none: a pass says a hundred messages.
	if strings.ContainsAny(message, "0123456789") {
		for _, v := range varying {
			message = v.pattern.ReplaceAllString(message, v.instead)
		}
		message = strings.TrimSpace(message)
	}
	if len(message) > limit {
		message = strings.ToValidUTF8(message[:limit-len(cut)], "") + cut
	}
	return message
}

// maxMessage bounds what is passed on of an object's own words, in bytes.
const maxMessage = 400

func stableMessage(message string) string { return StableMessage(message, maxMessage) }
