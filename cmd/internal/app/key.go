package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"

	"tradingengine/cmd/internal/config"
	"tradingengine/core"
	"tradingengine/core/trading"
	"tradingengine/httpd"
	"tradingengine/persist"
)

// keyNameMax is the longest name of a key, in bytes; it stands in logs.
const keyNameMax = 64

// keyAccountsMax is how many accounts a key may have: a list reads each of them.
const keyAccountsMax = 64

// runKey is the verb key: who may use a server, also while it runs.
func runKey(ctx context.Context, args []string, s streams) error {
	const usage = "key create|list|revoke, each with -h"
	if len(args) == 0 {
		return fmt.Errorf("%w: say %s", config.ErrUsage, usage)
	}
	switch args[0] {
	case "create":
		return createKey(args[1:], s)
	case "list":
		return listKeys(ctx, args[1:], s)
	case "revoke":
		return revokeKey(args[1:], s)
	case "-h", "-help", "--help":
		_, err := fmt.Fprintln(s.out, "server "+usage)
		return err
	}
	return fmt.Errorf("%w: no %q; say %s", config.ErrUsage, args[0], usage)
}

func keyFlags(verb string) (fs config.Flags, dir *string) {
	fs = config.NewFlags("key " + verb)
	return fs, fs.String("data", "data/market", "`directory` of the files; a server may use it")
}

// createKey prints a new key, and nothing else, on standard output: it is nowhere else.
func createKey(args []string, s streams) error {
	fs, dir := keyFlags("create")
	role := fs.String("role", "",
		"`role`: ingest (send quotes), read (market data), trade (read, and trade on its\n"+
			"accounts) or admin (everything)")
	accounts := fs.String("accounts", "",
		"`ids` of the accounts of a trade key, separated by commas; the first is meant when a\n"+
			"request names none")
	name := fs.String("name", "", "`name` that logs show")
	if _, err := fs.ParseMixed(args, s.getenv, s.out); err != nil {
		return err
	}
	k := persist.AccessKey{Role: *role, Name: *name, Created: core.Now()}
	r, ok := httpd.ParseRole(*role)
	if !ok {
		return fmt.Errorf("%w: -role must be ingest, read, trade or admin, not %q", config.ErrUsage,
			*role)
	}
	if len(k.Name) > keyNameMax || strings.ContainsFunc(k.Name, func(c rune) bool { return c < ' ' }) {
		return fmt.Errorf("%w: -name may have at most %d bytes, all on one line", config.ErrUsage,
			keyNameMax)
	}
	var err error
	if k.Accounts, err = readAccounts(*accounts); err != nil {
		return err
	}
	if (r == httpd.RoleTrade) != (len(k.Accounts) > 0) {
		return fmt.Errorf("%w: -accounts are for the role trade, which needs at least one",
			config.ErrUsage)
	}
	text, hash := httpd.NewKey()
	k.Hash = hash
	if err := changeKeys(*dir, func(f *persist.KeyFile) error { return f.Add(&k) }); err != nil {
		return err
	}
	if _, err := fmt.Fprintln(s.out, text); err != nil {
		return fmt.Errorf("the key is lost, revoke %d: %w", k.ID, err)
	}
	_, err = fmt.Fprintf(s.err, "key %d, role %s; it is shown only now\n", k.ID, k.Role)
	return err
}

func readAccounts(text string) (ids []trading.AccountID, err error) {
	if text == "" {
		return nil, nil
	}
	for part := range strings.SplitSeq(text, ",") {
		id, err := strconv.ParseInt(strings.TrimSpace(part), 10, 64)
		if err != nil || id < 1 {
			return nil, fmt.Errorf("%w: -accounts are whole numbers from 1 on, such as 1,2; not %q",
				config.ErrUsage, text)
		}
		ids = append(ids, trading.AccountID(id))
	}
	if len(ids) > keyAccountsMax {
		return nil, fmt.Errorf("%w: a key has at most %d accounts", config.ErrUsage, keyAccountsMax)
	}
	return ids, nil
}

// changeKeys opens the keys of a directory for one change.
func changeKeys(dir string, change func(f *persist.KeyFile) error) error {
	f, err := persist.OpenKeyFile(dir)
	if err != nil {
		return err
	}
	return errors.Join(change(f), f.Close())
}

func listKeys(ctx context.Context, args []string, s streams) error {
	fs, dir := keyFlags("list")
	if _, err := fs.ParseMixed(args, s.getenv, s.out); err != nil {
		return err
	}
	keys, err := persist.ListAccessKeys(ctx, *dir)
	if err != nil {
		return err
	}
	return printKeys(s.out, keys)
}

func printKeys(out io.Writer, keys []persist.AccessKey) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tROLE\tACCOUNTS\tCREATED\tREVOKED\tNAME")
	for i := range keys {
		k := &keys[i]
		accounts := make([]string, len(k.Accounts))
		for n, id := range k.Accounts {
			accounts[n] = strconv.FormatInt(int64(id), 10)
		}
		revoked := []byte("-")
		if k.Revoked != 0 {
			revoked = k.Revoked.Append(nil)
		}
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%s\n", k.ID, k.Role, orDash(strings.Join(accounts, ",")),
			k.Created.Append(nil), revoked, orDash(k.Name))
	}
	return w.Flush()
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

func revokeKey(args []string, s streams) error {
	fs, dir := keyFlags("revoke")
	operands, err := fs.ParseMixed(args, s.getenv, s.out, "ID")
	if err != nil {
		return err
	}
	id, err := strconv.ParseInt(operands[0], 10, 64)
	if err != nil {
		return fmt.Errorf("%w: the operand of revoke is an id of key list, not the key",
			config.ErrUsage)
	}
	return changeKeys(*dir, func(f *persist.KeyFile) error { return f.Revoke(id, core.Now()) })
}
