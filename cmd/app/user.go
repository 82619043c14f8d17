package main

import (
	"context"
	"fmt"
	"log/slog"
	"os/user"

	"github.com/uptrace/bun"

	"usermanagement.dev/stack/app/audit"
	"usermanagement.dev/stack/app/auth"
	"usermanagement.dev/stack/app/config"
	"usermanagement.dev/stack/app/legacy"
	"usermanagement.dev/stack/app/server"
	"usermanagement.dev/stack/app/users"
)

type userCommands struct {
	Create       userCreateCommand   `cmd:"" help:"Add an account and print a one-time link to choose its password."`
	Link         userLinkCommand     `cmd:"" help:"Print a one-time link to choose a new password."`
	Unlock       userUnlockCommand   `cmd:"" help:"Let somebody who was locked out try again."`
	Dormant      userDormantCommand  `cmd:"" help:"Deactivate the accounts that nobody has signed in to for long."`
	ImportLegacy importLegacyCommand `cmd:"" help:"Take over the accounts of the old system's table user, in the same database."`
}

// operator is who the audit log names for what the command line does.
func operator() audit.Actor {
	name := "command line"
	if u, err := user.Current(); err == nil {
		name += " (" + u.Username + ")"
	}
	return audit.System(name)
}

// withServer runs one command with the app's services.
func withServer(ctx context.Context, fn func(ctx context.Context, cfg *config.Config, srv *server.Server) error) error {
	return withDatabase(ctx, func(ctx context.Context, cfg *config.Config, db *bun.DB) error {
		srv, err := server.New(cfg, version, db, slog.New(slog.DiscardHandler))
		if err != nil {
			return err
		}
		return fn(ctx, cfg, srv)
	})
}

func printLink(ctx context.Context, cfg *config.Config, srv *server.Server, u *users.User, kind string) error {
	token, err := srv.Auth().IssueLink(ctx, operator(), u.ID, kind)
	if err != nil {
		return err
	}
	fmt.Printf("%s/link/%s\n", cfg.PublicURL, token)
	return nil
}

type userCreateCommand struct {
	Username string `arg:"" help:"Name to sign in with."`
	Email    string `arg:"" help:"Address."`
	Role     string `default:"user" enum:"user,admin" help:"user or admin."`
}

// Run adds the account.
func (cmd userCreateCommand) Run(ctx context.Context) error {
	return withServer(ctx, func(ctx context.Context, cfg *config.Config, srv *server.Server) error {
		u, err := srv.Users().Create(ctx, operator(), users.Draft{
			Username: cmd.Username, Email: cmd.Email, Role: users.Role(cmd.Role), Status: users.StatusActive,
		})
		if err != nil {
			return err
		}
		if u.IsAdmin() {
			if err := srv.Auth().MarkSetupDone(ctx); err != nil {
				return err
			}
		}
		return printLink(ctx, cfg, srv, u, auth.LinkInvite)
	})
}

type userLinkCommand struct {
	Login string `arg:"" help:"Name or address."`
}

// Run prints a link.
func (cmd userLinkCommand) Run(ctx context.Context) error {
	return withServer(ctx, func(ctx context.Context, cfg *config.Config, srv *server.Server) error {
		u, err := srv.Users().ByLogin(ctx, cmd.Login)
		if err != nil {
			return fmt.Errorf("%s: %w", cmd.Login, err)
		}
		return printLink(ctx, cfg, srv, u, auth.LinkReset)
	})
}

type userUnlockCommand struct {
	Login string `arg:"" help:"Name or address."`
}

// Run unlocks the account.
func (cmd userUnlockCommand) Run(ctx context.Context) error {
	return withServer(ctx, func(ctx context.Context, _ *config.Config, srv *server.Server) error {
		u, err := srv.Users().ByLogin(ctx, cmd.Login)
		if err != nil {
			return fmt.Errorf("%s: %w", cmd.Login, err)
		}
		return srv.Auth().Unlock(ctx, auth.Client{}, &users.User{Username: operator().Name}, u.ID)
	})
}

type importLegacyCommand struct {
	DryRun bool `help:"Only say what would be done."`
}

// Run imports the table user.
func (cmd importLegacyCommand) Run(ctx context.Context) error {
	return withServer(ctx, func(ctx context.Context, _ *config.Config, srv *server.Server) error {
		report, err := legacy.Import(ctx, srv.Users(), operator(), cmd.DryRun)
		if err != nil {
			return err
		}
		for _, note := range report.Notes {
			fmt.Println(note)
		}
		fmt.Printf("%d accounts taken over, %d were there before, %d left out\n", report.Imported, report.Existing, report.Skipped)
		if report.Admins > 0 && !cmd.DryRun {
			return srv.Auth().MarkSetupDone(ctx)
		}
		return nil
	})
}
