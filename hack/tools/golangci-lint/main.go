// Command golangci-lint is golangci-lint with kube-api-linter built in, so that one program and one configuration check
// Go code and API types alike.
package main

import (
	"fmt"
	"os"
	"runtime/debug"

	"github.com/golangci/golangci-lint/v2/pkg/commands"
	"github.com/golangci/golangci-lint/v2/pkg/exitcodes"

	_ "sigs.k8s.io/kube-api-linter" // registers itself under the name kubeapilinter
)

const linter = "github.com/golangci/golangci-lint/v2"

func main() {
	if err := commands.Execute(about()); err != nil {
		fmt.Fprintln(os.Stderr, "golangci-lint:", err)
		os.Exit(exitcodes.Failure)
	}
}

// about names the release that go.mod pins, as golangci-lint's own build would.
func about() commands.BuildInfo {
	info := commands.BuildInfo{Version: "unknown", Commit: "of go.mod", Date: "unknown"}
	build, ok := debug.ReadBuildInfo()
	if !ok {
		return info
	}
	info.GoVersion = build.GoVersion
	for _, module := range build.Deps {
		if module.Path == linter {
			info.Version = module.Version
		}
	}
	return info
}
