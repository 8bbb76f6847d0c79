package app

import (
	"context"
	"fmt"
	"os"
	"os/user"
	"strings"

	"tradingengine/cmd/internal/config"
	"tradingengine/cmd/internal/deploy"
)

// runPrint is the verb print: what is installed beside the binary.
func runPrint(_ context.Context, args []string, s streams) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("cannot find this binary: %w", err)
	}
	fs := config.NewFlags("print")
	place := deploy.Place{}
	fs.StringVar(&place.Binary, "binary", self,
		"`path` of the binary that systemd or Windows is to run, in its folder")
	fs.StringVar(&place.User, "user", "",
		"`name` of who runs it; when not given: trading-engine for systemd, you for a task")
	what := strings.Join(deploy.Kinds, "|")
	kinds, err := fs.ParseMixed(args, s.getenv, s.out, what)
	if err != nil {
		return err
	}
	if place.User == "" && kinds[0] == "task" {
		you, err := user.Current()
		if err != nil {
			return fmt.Errorf("cannot find your name, say -user: %w", err)
		}
		place.User = you.Username
	}
	if place.User == "" {
		place.User = "trading-engine"
	}
	if err := deploy.Print(s.out, kinds[0], place); err != nil {
		return fmt.Errorf("%w: print: %w", config.ErrUsage, err)
	}
	return nil
}
