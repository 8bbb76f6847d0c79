package app

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os/signal"
	"strings"
	"syscall"

	"tradingengine/cmd/internal/config"
	"tradingengine/core"
)

// Version is what the binary calls itself.
const Version = "0.1.0"

// The exit codes of the process.
const (
	exitOK = iota
	exitFailed
	exitUsage
)

// streams are what a verb reads from and prints to.
type streams struct {
	getenv func(string) string
	out    io.Writer
	err    io.Writer
}

// verb is one thing the binary can do beside serving.
type verb struct {
	name string
	run  func(ctx context.Context, args []string, s streams) error
}

var verbs = []verb{
	{"import", runImport},
	{"export", runExport},
	{"backup", runBackup},
	{"restore", runRestore},
	{"verify", runVerify},
	{"healthcheck", runHealthcheck},
	{"key", runKey},
	{"print", runPrint},
	{"version", runVersion},
}

// Main runs the command line and returns the exit code.
func Main(args []string, getenv func(string) string, out, errOut io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	err := dispatch(ctx, args, streams{getenv: getenv, out: out, err: errOut})
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return exitOK
	case errors.Is(err, config.ErrUsage):
		fmt.Fprintln(errOut, strings.TrimPrefix(err.Error(), config.ErrUsage.Error()+": "))
		return exitUsage
	default:
		fmt.Fprintln(errOut, err)
		return exitFailed
	}
}

func dispatch(ctx context.Context, args []string, s streams) error {
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		var names []string
		for _, v := range verbs {
			if v.name == args[0] {
				return v.run(ctx, args[1:], s)
			}
			names = append(names, v.name)
		}
		hint := "; there are " + strings.Join(names, " ")
		if near := core.NearestName(args[0], names); near != "" {
			hint = "; did you mean " + near + "?"
		}
		return fmt.Errorf("%w: no verb %q%s", config.ErrUsage, args[0], hint)
	}
	c, err := config.ParseServer(args, s.getenv, s.out)
	if err != nil {
		return err
	}
	return Serve(ctx, c, s)
}

func runVersion(_ context.Context, args []string, s streams) error {
	if err := config.NewFlags("version").Parse(args, s.getenv, s.out); err != nil {
		return err
	}
	_, err := fmt.Fprintln(s.out, Version)
	return err
}
