// Package samples holds the example stacks: what documentation shows, the demo applies and tests build.
package samples

import "embed"

// Files are the manifests, one stack each.
//
//go:embed *.yaml
var Files embed.FS
