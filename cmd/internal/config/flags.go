package config

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"tradingengine/core"
)

// Flags is a flag set that also reads the environment, names the nearest flag on a typo, and never
// exits by itself.
type Flags struct {
	*flag.FlagSet
}

// NewFlags starts the flags of one verb.
func NewFlags(verb string) Flags {
	fs := flag.NewFlagSet(verb, flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	return Flags{fs}
}

// Parse applies the environment and then args. It returns flag.ErrHelp when help was asked for and
// printed to out; any other error wraps ErrUsage.
func (f Flags) Parse(args []string, getenv func(string) string, out io.Writer) error {
	if err := f.typo(args); err != nil {
		return err
	}
	if err := f.environment(getenv); err != nil {
		return err
	}
	return f.parse(args, out)
}

// ParseMixed is Parse for a verb whose operands may stand before, between and behind its flags. It
// returns the operands, of which there must be as many as names.
func (f Flags) ParseMixed(
	args []string, getenv func(string) string, out io.Writer, names ...string,
) (operands []string, err error) {
	if err := f.environment(getenv); err != nil {
		return nil, err
	}
	for {
		if err = f.typo(args); err == nil {
			err = f.parse(args, out)
		}
		if err != nil {
			return nil, err
		}
		if f.NArg() == 0 {
			break
		}
		operands, args = append(operands, f.Arg(0)), f.Args()[1:]
	}
	if len(operands) != len(names) {
		usage := strings.Join(append([]string{"server", f.Name(), "[flags]"}, names...), " ")
		return nil, fmt.Errorf("%w: %s takes %s: %s", ErrUsage, f.Name(), count(len(names)), usage)
	}
	return operands, nil
}

func count(operands int) string {
	return [...]string{"no operand", "one operand", "two operands"}[operands]
}

// environment applies the environment.
func (f Flags) environment(getenv func(string) string) (err error) {
	f.VisitAll(func(fl *flag.Flag) {
		name := "ENGINE_" + strings.ToUpper(strings.ReplaceAll(fl.Name, "-", "_"))
		if v := getenv(name); v != "" && err == nil {
			if e := fl.Value.Set(v); e != nil {
				err = fmt.Errorf("%w: %s=%q: %w", ErrUsage, name, v, e)
			}
		}
	})
	return err
}

func (f Flags) parse(args []string, out io.Writer) error {
	err := f.FlagSet.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		f.help(out)
		return err
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUsage, err)
	}
	return nil
}

// typo finds the first flag that does not exist and names the nearest that does.
func (f Flags) typo(args []string) error {
	for i := 0; i < len(args); i++ {
		name, isFlag := strings.CutPrefix(args[i], "-")
		if !isFlag || args[i] == "--" || name == "" {
			return nil
		}
		name, _, hasValue := strings.Cut(strings.TrimPrefix(name, "-"), "=")
		if name == "h" || name == "help" {
			return nil
		}
		fl := f.Lookup(name)
		if fl == nil {
			return fmt.Errorf("%w: no flag -%s%s; -h lists all", ErrUsage, name, f.nearest(name))
		}
		boolean, ok := fl.Value.(interface{ IsBoolFlag() bool })
		if !hasValue && (!ok || !boolean.IsBoolFlag()) {
			i++
		}
	}
	return nil
}

func (f Flags) nearest(name string) string {
	var names []string
	f.VisitAll(func(fl *flag.Flag) { names = append(names, fl.Name) })
	if near := core.NearestName(name, names); near != "" {
		return "; did you mean -" + near + "?"
	}
	return ""
}

// help prints the reference. The word for a built-in value is "otherwise".
func (f Flags) help(out io.Writer) {
	if f.Name() == "server" {
		fmt.Fprint(out, "server [flags]            run the trading engine\n"+
			"server VERB [flags]       import, export, backup, restore, verify, healthcheck,\n"+
			"                          key, print, version; VERB -h explains each\n\n"+
			"A flag wins over its environment variable (ENGINE_ADDR for -addr).\n\n")
	} else {
		fmt.Fprintf(out, "server %s [flags]\n\n", f.Name())
	}
	f.VisitAll(func(fl *flag.Flag) {
		kind, usage := flag.UnquoteUsage(fl)
		fmt.Fprintf(out, "  -%s %s\n        %s", fl.Name, kind,
			strings.ReplaceAll(usage, "\n", "\n        "))
		if fl.DefValue != "" && fl.DefValue != "false" {
			fmt.Fprintf(out, " (otherwise %s)", fl.DefValue)
		}
		fmt.Fprintln(out)
	})
}
