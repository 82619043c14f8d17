package userdata

import "sync"

// Host is what an app host is made from.
type Host struct {
	// Release is what it runs.
	Release Release
	// Environment is the app's environment, names as in package hostcontract. It must hold no secret.
	Environment map[string]string
	// DatabaseCAURL is where the certificates are fetched that the database's own is verified by.
	DatabaseCAURL string
	// AuthorizedKeys may sign in by SSH, from the bastion.
	AuthorizedKeys []string
}

// Release is one binary of a release of the app.
type Release struct {
	// Version is the release. Example: 1.4.0
	Version string
	// URL is where the binary is.
	URL string
	// SHA256 is its checksum in lower-case hexadecimal digits. It is checked before each start.
	SHA256 string
}

// Render is the host's cloud-config.
func (h Host) Render() ([]byte, error) {
	app, err := environment(h.Environment)
	if err != nil {
		return nil, err
	}
	release, err := environment(map[string]string{
		"RELEASE_VERSION": h.Release.Version, "RELEASE_URL": h.Release.URL, "RELEASE_SHA256": h.Release.SHA256,
		"RELEASE_ROOT": releaseRoot, "HOST_FILE": hostFile, "RETRY_DELAY": retryDelay,
		"CA_URL": h.DatabaseCAURL, "CA_FILE": DatabaseCAFile,
	})
	if err != nil {
		return nil, err
	}
	fixed, err := hostFiles()
	if err != nil {
		return nil, err
	}
	return cloudConfig{
		Users: admins(h.AuthorizedKeys, true), DisableRoot: true,
		WriteFiles: []file{
			{Path: AppEnvironment, Permissions: "0644", Content: app},
			{Path: ReleaseEnvironment, Permissions: "0644", Content: release},
		},
		fixed: fixed,
		RunCmd: [][]string{
			reloadSSH,
			{"systemctl", "daemon-reload"},
			{"systemctl", "enable", Unit},
			{"systemctl", "restart", Unit},
		},
	}.render()
}

// hostFiles are the files that are the same on every host.
var hostFiles = sync.OnceValues(func() ([]byte, error) {
	var entries []file
	for _, f := range []struct{ name, path, permissions string }{
		{"install.sh", installer, "0755"},
		{"usermanagement.service", unitFile, "0644"},
		{"sshd-host.conf", sshdOptions, "0644"},
	} {
		entry, err := embedded(f.name, f.path, f.permissions)
		if err != nil {
			return nil, err
		}
		entries = append(entries, entry)
	}
	return rendered(entries)
})
