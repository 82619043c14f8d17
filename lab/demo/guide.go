package demo

import (
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"text/template"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/internal/build"
)

// guide is what to try now, as commands to copy.
func (d *demo) guide() string {
	here, err := os.Getwd()
	if err != nil {
		here = d.options.Root
	}
	where := " --kubeconfig " + quoted(relative(here, d.folder.file("kubeconfig")))
	if namespace := d.sample.object.GetNamespace(); namespace != "default" {
		where += " --namespace " + namespace
	}
	kubectl, hint := d.kubectl(here)
	var out strings.Builder
	err = guideText.Execute(&out, map[string]any{
		"URL": d.site.url, "Proxy": d.siteProxy(), "CA": d.authority(here), "Release": d.releasePatch(),
		"HostLogs": d.hostLogs(here), "SSH": d.ssh(here),
		"Secret": build.AppSecretName(&v1.UserManagementStack{ObjectMeta: metav1.ObjectMeta{Name: d.sample.object.GetName()}}),
		"K":      kubectl + where, "Name": d.sample.object.GetName(), "Here": quoted(here), "Hint": hint,
		"Plugin": quoted(relative(here, d.options.program("kubectl-ums"))), "Where": where,
		"Logs": quoted(relative(here, d.folder.path)), "Metrics": d.operator.metrics,
	})
	if err != nil {
		return "the guide cannot be written: " + err.Error()
	}
	return out.String()
}

// siteProxy is the proxy that the site is reached by; empty where a browser needs none.
func (d *demo) siteProxy() string {
	if d.site.door != nil || d.lab == nil {
		return ""
	}
	return d.lab.DataPlane.ProxyURL()
}

// authority is the file that curl takes to trust the site; empty where it needs none.
func (d *demo) authority(here string) string {
	if !strings.HasPrefix(d.site.url, "https:") {
		return ""
	}
	return quoted(relative(here, d.lab.DataPlane.CAFile()))
}

// releasePatch is the change of the stack that releases the next version; empty where there is none.
func (d *demo) releasePatch() string {
	if d.site.next == nil {
		return ""
	}
	patch, err := json.Marshal(map[string]any{"spec": map[string]any{"app": map[string]any{
		"version": d.site.next.Version, "artifacts": []any{artifactOf(*d.site.next)},
	}}})
	if err != nil {
		return ""
	}
	return quoted(string(patch))
}

// hostLogs are the files with what hosts say; empty where they say nothing.
func (d *demo) hostLogs(here string) string {
	if !d.options.fetches() {
		return ""
	}
	return quoted(relative(here, d.lab.DataPlane.Dir())) + "/*/console.log"
}

// kubectl is how to call it and, where there is none, how to get it.
func (d *demo) kubectl(here string) (call, hint string) {
	if _, err := exec.LookPath("kubectl"); err == nil {
		return "kubectl", ""
	}
	built := d.options.program("kubectl")
	call = quoted(relative(here, built))
	if _, err := os.Stat(built); err != nil {
		hint = "There is no kubectl on your PATH; first run `make kubectl`, which builds it into bin/."
	}
	return call, hint
}

// quoted is a word that a shell takes as one.
func quoted(word string) string {
	safe := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-+:=@%,", r)
	}
	if word != "" && strings.IndexFunc(word, func(r rune) bool { return !safe(r) }) < 0 {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

func indent(text string) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for i, line := range lines {
		if line != "" {
			lines[i] = "  " + line
		}
	}
	return strings.Join(lines, "\n") + "\n"
}

var guideText = template.Must(template.New("guide").Parse(`
  How to go on, in another terminal, in {{.Here}}
{{- if .Hint}}
  {{.Hint}}
{{- end}}

  open          {{.URL}}
{{- if .CA}}
                The browser does not know who signed the certificate; curl does:
                curl --cacert {{.CA}} {{.URL}}/health
{{- else if .Proxy}}
                No name server knows that name, but the lab's proxy does, for a browser and for curl:
                chromium --proxy-server={{.Proxy}} --user-data-dir="$(mktemp -d)" {{.URL}}
                curl --proxy {{.Proxy}} {{.URL}}/health
{{- else if .Release}}
                It is plain HTTP. Chromium, Firefox and curl keep a session with localhost by it, Safari does not.
{{- end}}
{{- if .Release}}
  sign in       The first administrator is made with a secret that works once:
                echo "{{.URL}}/setup#$({{.K}} get secret {{.Secret}} \
                  -o jsonpath='{.data.setup-secret}' | base64 -d)"
  release       {{.K}} patch ums {{.Name}} --type merge \
                  -p {{.Release}}
                {{.K}} get ums --watch
{{- end}}
{{- if .SSH}}
  administer    From the internet of the lab to the bastion, and by it to a host at its private address:
                {{.SSH}} bastion
                {{.SSH}} 10.0.10.4
{{- end}}
  look          {{.K}} get ums -o wide
                {{.K}} describe ums {{.Name}}
                {{.Plugin}} tree {{.Name}}{{.Where}}
  change        See what it would do, then do it:
                {{.K}} patch ums {{.Name}} --type merge \
                  -p '{"spec":{"tags":{"team":"blue"}}}' --dry-run=client -o yaml | \
                  {{.Plugin}} diff -f -{{.Where}}
                {{.K}} patch ums {{.Name}} --type merge \
                  -p '{"spec":{"tags":{"team":"blue"}}}'
  break         {{.K}} delete listeners.elbv2.services.k8s.aws --all --wait=false
                {{.K}} get listeners.elbv2.services.k8s.aws --watch
  delete        {{.K}} patch ums {{.Name}} --type merge \
                  -p '{"spec":{"database":{"deletionProtection":false}}}'
                {{.K}} delete ums {{.Name}}
  read          {{.Logs}}/operator.log, ack.log, controlplane/logs/
                curl -s {{.Metrics}}
{{- if .HostLogs}}
                {{.HostLogs}}
{{- end}}

  Ctrl-C ends the demo and leaves nothing behind.`))
