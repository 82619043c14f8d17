package userdata

// Bastion is what the bastion is made from.
type Bastion struct {
	// AuthorizedKeys may sign in by SSH.
	AuthorizedKeys []string
}

// Render is the bastion's cloud-config: one account without any right but to go on from there, keys only.
func (b Bastion) Render() ([]byte, error) {
	options, err := embedded("sshd-bastion.conf", sshdOptions, "0644")
	if err != nil {
		return nil, err
	}
	return cloudConfig{
		Users: admins(b.AuthorizedKeys, false), DisableRoot: true,
		WriteFiles: []file{options},
		RunCmd:     [][]string{reloadSSH},
	}.render()
}
