package accounts

import (
	"context"
	"fmt"

	cli "github.com/urfave/cli/v2"

	"relay/cli/shell"
	"relay/report/api/accounts"
	"relay/report/money"
	"relay/report/words"
	"relay/store/record"
)

func resume(e *shell.Env) *cli.Command {
	in := &accounts.Resumption{Body: &accounts.Resuming{}}
	return shell.Command(&cli.Command{
		Name: "resume", ArgsUsage: "NAME", Usage: "let a suspended account send again",
		Description: `The term continues as if the account had not been suspended. Mail that waited in the queue goes out; of an account that was suspended for what came back of its mail, as slowly as a new one's until it has had seven clean days. What came back until then does not count any more.

--dry-run says how much mail would be released. Drop before what should not go out: relay queue drop --account NAME. Mail that is held by relay queue hold, or with its login, stays held. An account that was suspended for an unpaid invoice can send too, until its next invoice is overdue; the unpaid one stays open.

A pending account is not suspended: relay payment record records its payment, relay account activate starts it without one.`,
		Flags: []cli.Flag{shell.DryRunFlag(&in.Body.DryRun)},
	}, func(ctx context.Context, args []string) error {
		in.Account = args[0]
		v, err := accounts.Resume.Call(ctx, e.Service, in)
		if err != nil {
			return err
		}
		noteResumed(e, v)
		state := v.State
		switch {
		case v.DryRun && !v.Unchanged:
			return e.Done(v, "dry run: account %s would be resumed", v.Account.Account)
		case state == "expired": // it is not suspended, which is what was asked for
			state = "active"
		}
		return e.Done(v, "account %s is %s", v.Account.Account, state)
	})
}

// noteResumed says what goes with it.
func noteResumed(e *shell.Env, v *accounts.ResumedAccount) {
	if v.Unchanged {
		e.Note("it was not suspended")
	}
	for i := range v.Unpaid {
		e.Note("invoice %s is still open: %s", v.Unpaid[i].Name, money.Format(v.Unpaid[i].Open, v.Currency))
	}
	if k := v.Kept; k != nil && k.Emails > 0 {
		e.Note("%sreleased: %s", words.If(v.DryRun, "would be "), waiting(e, k))
	}
	if v.Forgiven {
		counts, goes := "counts", "goes"
		if v.DryRun {
			counts, goes = "would count", "would go"
		}
		e.Note("what came back until now %s no more; it %s slowly until it has had %s", counts, goes, words.Plural(record.SlowDays, "clean day"))
	}
}

// keptText is what a suspended account has in the queue; "": it is not suspended.
func keptText(e *shell.Env, k *accounts.Kept) string {
	switch {
	case k == nil:
		return ""
	case k.Emails == 0:
		return "nothing waits in the queue"
	}
	return waiting(e, k)
}

// waiting is how much waits.
func waiting(e *shell.Env, k *accounts.Kept) string {
	return fmt.Sprintf("%s, %s (%s) in the queue, since %s", words.Plural(k.Messages, "message"), words.Plural(k.Emails, "e-mail"), words.Size(k.Bytes), words.Stamp(k.Since, e.Zone()))
}
