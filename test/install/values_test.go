package install

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
)

func TestWrongValuesAreRefused(t *testing.T) {
	cases := map[string]struct {
		set     string
		message string
	}{
		"a key that does not exist": {"replica=3", "additional properties 'replica' not allowed"},
		"a nested key that does not exist": {
			"metrics.serviceMonitor.enable=true", "at '/metrics/serviceMonitor': additional properties 'enable'",
		},
		"a word for a number":     {"replicas=two", "at '/replicas': got string, want integer"},
		"too many replicas":       {"replicas=50", "at '/replicas'"},
		"a digest that is none":   {"image.digest=latest", "at '/image/digest': 'latest' does not match"},
		"a tag in the repository": {"image.repository=UPPER/case", "at '/image/repository'"},
		"a log level that does not exist": {
			"operator.logLevel=verbose", "at '/operator/logLevel': value must be one of 'debug', 'info', 'error'",
		},
		"no limit for memory":          {"resources.limits=null", "missing property 'limits'"},
		"no worker":                    {"operator.workers=0", "at '/operator/workers'"},
		"a privileged port":            {"metrics.port=443", "at '/metrics/port'"},
		"the port of the probes":       {"metrics.port=8081", "at '/metrics/port'"},
		"a name that cannot be":        {"fullnameOverride=UPPER", "at '/fullnameOverride'"},
		"a part of one that cannot be": {"nameOverride=a_b", "at '/nameOverride'"},
		"an interval without a unit":   {"metrics.serviceMonitor.interval=\"30\"", "at '/metrics/serviceMonitor/interval'"},
		"a namespace that cannot be":   {"watchNamespace=Team_A", "at '/watchNamespace'"},
		"an account that nobody names": {"serviceAccount.create=false", "serviceAccount.name: name the ServiceAccount"},
		"an argument that is none":     {"operator.extraArgs={leader-elect}", "at '/operator/extraArgs/0'"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := tryHelm(t, "template", release, chart, "--set", c.set)
			if err == nil {
				t.Fatalf("--set %s was taken", c.set)
			}
			if !strings.Contains(err.Error(), c.message) {
				t.Errorf("--set %s was refused with\n%v\nwant a message with %q", c.set, err, c.message)
			}
		})
	}
}

func TestValuesReachWhatTheyAreAbout(t *testing.T) {
	digest := "sha256:" + strings.Repeat("a", 64)
	cases := map[string]struct {
		set  string
		want string // in the pod, as YAML would say it
		read func(appsv1.Deployment) string
	}{
		"digest":               {"image.repository=r.example/m,image.tag=v9,image.digest=" + digest, "r.example/m@" + digest, image},
		"tag":                  {"image.repository=r.example/m,image.tag=v9", "r.example/m:v9", image},
		"release of the chart": {"image.repository=r.example/m", "r.example/m:0.1.0", image},
		"workers":              {"operator.workers=3", "--workers=3", arguments},
		"namespace":            {"watchNamespace=team-a", "--namespace=team-a", arguments},
		"no metrics":           {"metrics.enabled=false", "--metrics-bind-address=0", arguments},
		"port of metrics":      {"metrics.port=9000", "--metrics-bind-address=:9000", arguments},
		"log": {
			"operator.logFormat=console,operator.logLevel=debug", "--zap-encoder=console --zap-log-level=debug", arguments,
		},
		"more arguments": {"operator.extraArgs={--zap-stacktrace-level=panic}", "--zap-stacktrace-level=panic", arguments},
		"shutdown":       {"operator.shutdownSeconds=90", "--shutdown-timeout=90s", arguments},
		"labels cannot break the selector": {
			`podLabels.app\.kubernetes\.io/name=other,podLabels.team=a`, "user-management-stack a",
			func(d appsv1.Deployment) string {
				labels := d.Spec.Template.Labels
				return labels["app.kubernetes.io/name"] + " " + labels["team"]
			},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			deployment := typed[appsv1.Deployment](t, one(t, template(t, "--set", c.set), "Deployment"))
			if got := c.read(deployment); !strings.Contains(got, c.want) {
				t.Errorf("--set %s gives %q; want %q in it", c.set, got, c.want)
			}
		})
	}
}

func image(d appsv1.Deployment) string { return d.Spec.Template.Spec.Containers[0].Image }

func arguments(d appsv1.Deployment) string {
	return strings.Join(d.Spec.Template.Spec.Containers[0].Args, " ")
}

func TestAPodHasLongerToEndThanAPass(t *testing.T) {
	deployment := typed[appsv1.Deployment](t, one(t, template(t, "--set", "operator.shutdownSeconds=90"), "Deployment"))
	if grace := *deployment.Spec.Template.Spec.TerminationGracePeriodSeconds; grace <= 90 {
		t.Errorf("a pod is killed after %d s; a pass may take 90 s to end", grace)
	}
}

func TestOptionsAddAndTakeAwayObjects(t *testing.T) {
	cases := map[string]struct {
		arguments     []string
		there, absent []string
	}{
		"by default": {
			there:  []string{"CustomResourceDefinition", "NetworkPolicy", "PodDisruptionBudget", "Service", "ServiceAccount"},
			absent: []string{"ServiceMonitor", "PrometheusRule", "ValidatingAdmissionPolicy"},
		},
		"everything": {
			arguments: []string{"--values", filepath.Join(chart, "ci", "everything.yaml")},
			there: []string{
				"ServiceMonitor", "PrometheusRule", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding",
			},
		},
		"one pod, which must be able to move": {arguments: []string{"--set", "replicas=1"}, absent: []string{"PodDisruptionBudget"}},
		"as many pods as shall stay": {
			arguments: []string{"--set", "replicas=2,podDisruptionBudget.minAvailable=2"}, absent: []string{"PodDisruptionBudget"},
		},
		"nothing": {
			arguments: []string{"--values", filepath.Join(chart, "ci", "nothing.yaml")},
			there:     []string{"Deployment"},
			absent: []string{
				"CustomResourceDefinition", "ServiceAccount", "Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding", "Service",
				"NetworkPolicy", "PodDisruptionBudget",
			},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			objects := template(t, c.arguments...)
			kinds := make([]string, 0, len(objects))
			for _, o := range objects {
				kinds = append(kinds, o.GetKind())
			}
			for _, kind := range c.there {
				if !slices.Contains(kinds, kind) {
					t.Errorf("no %s was rendered", kind)
				}
			}
			for _, kind := range c.absent {
				if slices.Contains(kinds, kind) {
					t.Errorf("a %s was rendered", kind)
				}
			}
		})
	}
}

// guardedBy are the kinds whose deletion a policy looks at, as group/plural.
func guardedBy(t *testing.T, policy object) map[string]bool {
	t.Helper()
	guarded := map[string]bool{}
	for _, rule := range typed[admissionregistrationv1.ValidatingAdmissionPolicy](t, policy).Spec.MatchConstraints.ResourceRules {
		for _, group := range rule.APIGroups {
			for _, resource := range rule.Resources {
				guarded[group+"/"+resource] = true
			}
		}
	}
	return guarded
}
