package dataplane

import (
	"net/http"
	"strings"

	"usermanagement.dev/stack/lab/awsapi"
	"usermanagement.dev/stack/lab/hosts"
	"usermanagement.dev/stack/lab/internal/pki"
	"usermanagement.dev/stack/lab/origin"
	"usermanagement.dev/stack/lab/rds"
)

// startOrigin serves the releases and AWS's API under the names that they have in the world.
func (d *DataPlane) startOrigin() error {
	started, err := origin.Start(d.public)
	if err != nil {
		return err
	}
	d.origin = started
	d.Releases, d.accounts = &origin.Releases{}, awsapi.NewAccounts(d.options.Cloud)
	d.origin.Handle(func(name string) bool { return name == origin.ReleaseHost }, d.Releases)
	d.origin.Handle(func(name string) bool {
		return strings.HasPrefix(name, "secretsmanager.") && strings.HasSuffix(name, ".amazonaws.com")
	}, d.accounts.SecretsManager())
	d.Resolver.Add(d.origin.Address)
	return nil
}

// startDatabases runs the account's databases, and serves the certificates that theirs are verified by.
func (d *DataPlane) startDatabases() error {
	authority, err := pki.LoadOrCreate(d.file("rds-authority"), "Lab RDS authority")
	if err != nil {
		return err
	}
	// Where RDS's own certificates are, in whatever region.
	// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.SSL.html
	d.origin.Handle(func(name string) bool {
		return strings.HasPrefix(name, "truststore.pki.") && strings.HasSuffix(name, "rds.amazonaws.com") ||
			name == "rds-truststore.s3.cn-north-1.amazonaws.com.cn"
	}, bundle(authority.PEM()))
	d.Databases = rds.Follow(rds.Options{
		Cloud: d.options.Cloud, Authority: authority, Dir: d.file("databases"), Log: d.options.Log,
	})
	return nil
}

// processes runs hosts as processes, and the databases that they need.
func (d *DataPlane) processes() (hosts.Launcher, error) {
	if err := d.startDatabases(); err != nil {
		return nil, err
	}
	d.Resolver.Add(d.Databases.Address)
	d.Processes = hosts.NewProcesses(hosts.ProcessOptions{
		Dir: d.file("hosts"), Accounts: d.accounts, ProxyURL: d.ProxyURL(), CAFile: d.CAFile(),
		Resolve: d.Resolver.ResolveAddress, PublicURL: d.options.PublicURL, Pace: d.options.Pace,
	})
	return d.Processes, nil
}

// bundle serves certificates in PEM, at any path that ends as RDS's bundles do.
func bundle(pem []byte) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "-bundle.pem") {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write(pem) // a client that has gone needs no answer
	})
}
