package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"usermanagement.dev/stack/app/config"
	"usermanagement.dev/stack/app/server"
	"usermanagement.dev/stack/app/users"
)

type userDormantCommand struct {
	Days   int  `help:"After how many days without a sign of life; without it, UMS_DORMANT_AFTER."`
	DryRun bool `help:"Only say what would be done, now and in the month ahead."`
}

// Run deactivates dormant accounts, a batch after the other, or says which.
func (cmd userDormantCommand) Run(ctx context.Context) error {
	return withServer(ctx, func(ctx context.Context, cfg *config.Config, srv *server.Server) error {
		if cmd.Days == 0 {
			cmd.Days = cfg.DormantAfter
		}
		if cmd.Days < users.MinDormantDays || cmd.Days > users.MaxDormantDays {
			return fmt.Errorf("after how many days? give --days, or set UMS_DORMANT_AFTER: %d to %d", users.MinDormantDays, users.MaxDormantDays)
		}
		if cmd.DryRun {
			return cmd.preview(ctx, srv.Users())
		}
		return cmd.deactivate(ctx, srv.Users())
	})
}

func (cmd userDormantCommand) preview(ctx context.Context, people *users.Service) error {
	p, err := people.PreviewDormant(ctx, cmd.Days)
	if err != nil {
		return err
	}
	for _, d := range p.Accounts {
		fate := "deactivated on " + d.Due.Format(time.DateOnly)
		switch {
		case d.Kept:
			fate = "kept: the administrator who was here last"
		case !d.Due.After(p.At):
			fate = "deactivated now"
		}
		fmt.Printf("%s (id %d): last seen %s, %s\n", d.Username, d.ID, d.Seen.Format(time.DateOnly), fate)
	}
	if more := p.Now + p.Ahead - len(p.Accounts); more > 0 {
		fmt.Printf("and %d more\n", more)
	}
	fmt.Printf("accounts to be deactivated now: %d; within %d days: %d more\n", p.Now, users.DormantAhead, p.Ahead)
	return nil
}

func (cmd userDormantCommand) deactivate(ctx context.Context, people *users.Service) error {
	total := 0
	for {
		names, err := people.DeactivateDormant(ctx, operator(), cmd.Days)
		for _, name := range names {
			fmt.Println(name)
		}
		total += len(names)
		if err != nil {
			return errors.Join(fmt.Errorf("after %d accounts", total), err)
		}
		if len(names) == 0 {
			fmt.Printf("%d accounts deactivated\n", total)
			return nil
		}
	}
}
