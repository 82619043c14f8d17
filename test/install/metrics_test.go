package install

import (
	"crypto/tls"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// checkMetrics reads /metrics as Prometheus would, before and after it was given the right to.
func checkMetrics(t *testing.T, address string) {
	t.Helper()
	url := "https://" + address + "/metrics"
	if status, _, err := get(t, url, ""); err != nil || status != http.StatusUnauthorized {
		t.Errorf("without a token: %d, %v; want 401", status, err)
	}
	// Two accounts, since the operator remembers for a while what one may not do.
	curious, prometheus := makeAccount(t, "curious"), makeAccount(t, "prometheus")
	letRead(t, prometheus)
	if status, _, err := get(t, url, tokenOf(t, curious)); err != nil || status != http.StatusForbidden {
		t.Errorf("with the token of an account that may not: %d, %v; want 403", status, err)
	}
	status, page, err := get(t, url, tokenOf(t, prometheus))
	if err != nil || status != http.StatusOK {
		t.Fatalf("with the token of an account that may: %d, %v; want 200", status, err)
	}
	assertAlertsHaveTheirMetrics(t, page)
}

func makeAccount(t *testing.T, name string) *corev1.ServiceAccount {
	t.Helper()
	made := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: "monitoring", Name: name}}
	makeNamespace(t, made.Namespace)
	if err := admin(t).Create(t.Context(), made); err != nil {
		t.Fatal(err)
	}
	return made
}

func tokenOf(t *testing.T, account *corev1.ServiceAccount) string {
	t.Helper()
	token := &authenticationv1.TokenRequest{}
	if err := admin(t).SubResource("token").Create(t.Context(), account, token); err != nil {
		t.Fatal(err)
	}
	return token.Status.Token
}

// letRead binds an account to the chart's role of readers of metrics.
func letRead(t *testing.T, account *corev1.ServiceAccount) {
	t.Helper()
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "prometheus-reads-metrics"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: release + "-metrics-reader"},
		Subjects:   []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: account.Namespace, Name: account.Name}},
	}
	if err := admin(t).Create(t.Context(), binding); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.IgnoreNotFound(admin(t).Delete(background(t), binding)) })
}

// metricName finds the names of metrics in an expression: words with an underscore before a selector or a range.
var metricName = regexp.MustCompile(`\b([a-z]+(?:_[a-z]+)+)\{|\b([a-z]+(?:_[a-z]+)+)\[`)

func assertAlertsHaveTheirMetrics(t *testing.T, page string) {
	t.Helper()
	names := map[string]bool{}
	for _, alert := range alerts(t) {
		for _, match := range metricName.FindAllStringSubmatch(alert.Expr, -1) {
			names[match[1]+match[2]] = true
		}
	}
	if len(names) < 5 {
		t.Fatalf("only %d metrics were found in the alerts: %v", len(names), names)
	}
	lines := strings.Split(page, "\n")
	for name := range names {
		if !slices.ContainsFunc(lines, func(line string) bool {
			return strings.HasPrefix(line, name+"{") || strings.HasPrefix(line, name+" ")
		}) {
			t.Errorf("an alert looks at %s, which the operator does not show", name)
		}
	}
}

// get reads an address of the operator, whose certificate nobody has signed.
func get(t *testing.T, url, token string) (status int, body string, err error) {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	defer transport.CloseIdleConnections()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		return 0, "", err
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := (&http.Client{Transport: transport, Timeout: 10 * time.Second}).Do(request)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	return response.StatusCode, string(text), err
}
