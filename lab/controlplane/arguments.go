package controlplane

import "strconv"

// etcdArgs serve on a Unix socket in the private data directory: nobody else on the
// machine can read the cluster's secrets, and there is no port to race for. The
// advertised addresses are demanded by etcd's syntax; nothing listens there.
func etcdArgs(l *layout, syncWrites bool) []string {
	return []string{
		"--name=lab",
		"--data-dir=" + l.path("etcd"),
		"--listen-client-urls=unix://" + etcdSocket,
		"--advertise-client-urls=http://localhost:2379",
		"--listen-peer-urls=unix://peer.sock",
		"--initial-advertise-peer-urls=http://localhost:2380",
		"--initial-cluster=lab=http://localhost:2380",
		"--enable-grpc-gateway=false",
		"--log-level=warn",
		// A single member waits one election before it leads: 0.1 s instead of up to 1 s.
		"--heartbeat-interval=20",
		"--election-timeout=100",
		"--unsafe-no-fsync=" + strconv.FormatBool(!syncWrites),
	}
}

func apiServerArgs(l *layout, port int, opts Options) []string {
	args := []string{
		"--etcd-servers=unix://" + etcdSocket,
		"--bind-address=127.0.0.1",
		"--secure-port=" + strconv.Itoa(port),
		"--tls-cert-file=" + l.pki("apiserver.crt"),
		"--tls-private-key-file=" + l.pki("apiserver.key"),
		"--client-ca-file=" + l.pki("ca.crt"),
		"--anonymous-auth=false",
		"--authorization-mode=RBAC",
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + l.pki("service-account.key"),
		"--service-account-signing-key-file=" + l.pki("service-account.key"),
		"--service-cluster-ip-range=10.0.0.0/24",
		// No controller makes the default service accounts that it would insist on.
		"--disable-admission-plugins=ServiceAccount",
		// A loopback address is refused in the Endpoints of the service "kubernetes".
		"--endpoint-reconciler-type=none",
		// Open watches are ended at once; else a graceful stop would wait a minute for them.
		"--shutdown-watch-termination-grace-period=1s",
		// Priority and fairness stays on; only the total that it divides is raised.
		"--max-requests-inflight=2000",
		"--max-mutating-requests-inflight=1000",
	}
	if opts.Audit {
		args = append(args,
			"--audit-policy-file="+l.path("audit-policy.yaml"),
			"--audit-log-path="+l.auditLog(),
			// An event is in the file before the client sees the end of the response.
			"--audit-log-mode=blocking",
			"--audit-log-maxsize=0", // no rotation
		)
	}
	return append(args, opts.APIServerArgs...)
}

// controllerManagerArgs run the two controllers that the lab has a use for.
func controllerManagerArgs(l *layout) []string {
	return []string{
		"--kubeconfig=" + l.path("controller-manager.kubeconfig"),
		"--controllers=garbage-collector-controller,namespace-controller",
		"--leader-elect=false",
		"--secure-port=0",
		"--kube-api-qps=2000",
		"--kube-api-burst=4000",
		"--concurrent-gc-syncs=20",
	}
}
