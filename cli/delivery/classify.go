package delivery

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	cli "github.com/urfave/cli/v2"

	"relay/cli/exit"
	"relay/cli/place"
	"relay/cli/shell"
	"relay/cli/term"
	api "relay/report/api/delivery"
	"relay/report/words"
)

// longestLine is the longest reply with its host and stage, in octets.
const longestLine = 64 << 10

func classify(e *shell.Env, where *place.Flags) *cli.Command {
	return shell.Command(&cli.Command{
		Name: "classify", Usage: "what replies of next hops mean, and which rule says so",
		Description: `Reads lines MX<tab>STAGE<tab>REPLY from standard input, and writes what each reply means: whether the recipient is delivered, deferred or failed, the category, who must act, and the rule that decided. A reply without a rule is one that no rule knew.

STAGE is one of ` + api.Stages() + `. The lines of a reply are joined by a space or by \n, with their codes.

The rules are those of the configuration, as the next reload would load them: your own file, which [delivery] rules names, before relay's. No relay need run.

  relay delivery classify <replies.tsv`,
	}, func(context.Context, []string) error {
		cfg, err := where.Load()
		if err != nil {
			return err
		}
		rules, err := cfg.Delivery.Verdicts()
		if err != nil {
			return err
		}
		out := term.NewStream(e.Output(), 0, "", term.Column{Head: "CLASS"}, term.Column{Head: "CATEGORY"}, term.Column{Head: "BLAME"},
			term.Column{Head: "RULE"}, term.Column{Head: "MX"}, term.Column{Head: "STAGE"})
		return out.End(eachReply(e.Stdin, func(s *api.Reply) error {
			v, err := s.Judge(rules)
			if err != nil {
				return err
			}
			return out.Add(v, v.Class, v.Category, v.Blame, v.Rule, s.MX, s.Stage)
		}))
	})
}

// eachReply calls fn for the lines of r that are not empty. Its error names the line.
func eachReply(r io.Reader, fn func(*api.Reply) error) error {
	in := bufio.NewScanner(r)
	in.Buffer(nil, longestLine)
	n := 0
	for in.Scan() {
		n++
		if strings.TrimSpace(in.Text()) == "" {
			continue
		}
		f := strings.SplitN(in.Text(), "\t", 3)
		if len(f) < 3 {
			return exit.Fail(exit.WrongData, "three fields with a tab between them: MX, STAGE, REPLY", "line %d has %s", n, words.Plural(int64(len(f)), "field"))
		}
		if err := fn(&api.Reply{MX: strings.TrimSpace(f[0]), Stage: strings.TrimSpace(f[1]), Reply: f[2]}); err != nil {
			return exit.Fail(exit.WrongData, "stages are "+api.Stages(), "line %d: %w", n, err)
		}
	}
	if err := in.Err(); errors.Is(err, bufio.ErrTooLong) {
		return exit.Fail(exit.WrongData, "no reply is as long as that", "line %d is longer than %d octets", n+1, longestLine)
	} else if err != nil {
		return fmt.Errorf("read standard input: %w", err)
	}
	return nil
}
