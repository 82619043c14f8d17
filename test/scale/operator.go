package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"usermanagement.dev/stack/lab/loopback"
	"usermanagement.dev/stack/lab/scratch"
)

// The operator comes as a service account, as it does in a cluster: the API server's priority and fairness then treats
// it as one, which it would not with a member of system:masters.
const (
	operatorUser   = "system:serviceaccount:" + namespace + ":manager"
	serviceAccount = "system:serviceaccounts"
)

// operator is the manager as a process of its own.
type operator struct {
	command *exec.Cmd
	folder  *scratch.Folder
	probe   string
	metrics string
	pprof   string
}

// readyLook is how often the operator is asked whether it is ready.
const readyLook = 100 * time.Millisecond

// tailBytes is how much of the operator's log an error shows.
const tailBytes = 4096

func startOperator(ctx context.Context, b *bench) (*operator, error) {
	folder, err := scratch.New("scale")
	if err != nil {
		return nil, err
	}
	o := &operator{folder: folder}
	if o.probe, err = loopback.FreeAddress(ctx); err != nil {
		return o, err
	}
	if o.metrics, err = loopback.FreeAddress(ctx); err != nil {
		return o, err
	}
	if b.settings.profiles != "" {
		if o.pprof, err = loopback.FreeAddress(ctx); err != nil {
			return o, err
		}
	}
	if err := o.prepare(ctx, b); err != nil {
		return o, err
	}
	log, err := os.Create(o.log())
	if err != nil {
		return o, fmt.Errorf("open the operator's log: %w", err)
	}
	defer log.Close() //nolint:errcheck // the child has its own
	//nolint:noctx,gosec // stopped by stop; whoever starts the benchmark names the program
	command := exec.Command(b.settings.manager, o.arguments(b.settings)...)
	command.Env = append(os.Environ(), "KUBECONFIG="+o.kubeconfig(), "GOMEMLIMIT="+b.settings.memory)
	command.Stdout, command.Stderr = log, log
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := command.Start(); err != nil {
		return o, fmt.Errorf("start the operator: %w; `make bench-scale` builds it", err)
	}
	o.command = command
	return o, nil
}

// prepare gives the operator an identity and rights.
func (o *operator) prepare(ctx context.Context, b *bench) error {
	err := b.lab.ControlPlane.WriteUserKubeconfig(o.kubeconfig(), operatorUser, serviceAccount, serviceAccount+":"+namespace)
	if err != nil {
		return err
	}
	role, err := readRole(filepath.Join(b.settings.root, "config", "rbac", "role.yaml"))
	if err != nil {
		return err
	}
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: role.Name},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role.Name},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.UserKind, APIGroup: rbacv1.GroupName, Name: operatorUser}},
	}
	for _, object := range []client.Object{role, binding} {
		if err := b.admin.Create(ctx, object); err != nil {
			return fmt.Errorf("give the operator its rights: %w", err)
		}
	}
	return nil
}

// readRole is the ClusterRole among the documents of a file: the rights that the operator is installed with.
func readRole(file string) (*rbacv1.ClusterRole, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the operator's rights: %w", err)
	}
	for document := range bytes.SplitSeq(text, []byte("\n---\n")) {
		role := &rbacv1.ClusterRole{}
		if err := yaml.Unmarshal(document, role); err != nil {
			return nil, fmt.Errorf("read the operator's rights from %s: %w", file, err)
		}
		if role.Kind == "ClusterRole" {
			return role, nil
		}
	}
	return nil, fmt.Errorf("%s has no ClusterRole: `make generate` writes it", file)
}

func (o *operator) arguments(s settings) []string {
	arguments := []string{
		"--metrics-insecure", "--metrics-bind-address=" + o.metrics,
		"--health-probe-bind-address=" + o.probe, "--pprof-bind-address=" + o.pprof,
		"--health-probe=false", // nothing listens behind these load balancers
	}
	if s.workers > 0 {
		arguments = append(arguments, "--workers="+strconv.Itoa(s.workers))
	}
	return arguments
}

// ready waits until the operator's caches are filled.
func (o *operator) ready(ctx context.Context, patience time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+o.probe+"/readyz", http.NoBody)
		if err != nil {
			return err
		}
		answer, err := http.DefaultClient.Do(request)
		if err == nil {
			_ = answer.Body.Close() // nothing is read
			if answer.StatusCode == http.StatusOK {
				return nil
			}
		}
		if err := pause(ctx, readyLook); err != nil {
			return fmt.Errorf("wait for the operator to be ready: %w%s", err, o.tail())
		}
	}
}

// passes is how many passes the operator has made.
func (o *operator) passes(ctx context.Context) (int, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+o.metrics+"/metrics", http.NoBody)
	if err != nil {
		return 0, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, fmt.Errorf("read the operator's metrics: %w", err)
	}
	defer answer.Body.Close() //nolint:errcheck // only read
	lines := bufio.NewScanner(answer.Body)
	for lines.Scan() {
		if count, ok := strings.CutPrefix(lines.Text(), "ums_pass_duration_seconds_count "); ok {
			return strconv.Atoi(count)
		}
	}
	return 0, errors.New("the operator's metrics do not tell how many passes it made")
}

func (o *operator) pid() int { return o.command.Process.Pid }

func (o *operator) kubeconfig() string { return filepath.Join(o.folder.Path, "kubeconfig") }

func (o *operator) log() string { return filepath.Join(o.folder.Path, "operator.log") }

// tail is the end of the log, for errors.
func (o *operator) tail() string {
	text, err := os.ReadFile(o.log())
	if err != nil || len(text) == 0 {
		return ""
	}
	text = text[max(0, len(text)-tailBytes):]
	return "; the end of the operator's log:\n" + string(bytes.TrimSpace(text))
}

// stopTimeout is how long the operator may take to end by itself.
const stopTimeout = 20 * time.Second

func (o *operator) stop() error {
	defer o.folder.Remove() //nolint:errcheck // a temporary folder
	if o.command == nil {
		return nil
	}
	_ = o.command.Process.Signal(syscall.SIGTERM) // it may have ended
	kill := time.AfterFunc(stopTimeout, func() { _ = o.command.Process.Kill() })
	defer kill.Stop()
	err := o.command.Wait()
	if _, ok := errors.AsType[*exec.ExitError](err); ok {
		return fmt.Errorf("the operator ended badly: %w", err)
	}
	return err
}
