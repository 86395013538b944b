package sendmail

import (
	"context"
	"errors"
	"io"

	"relay/cli/exit"
	"relay/cli/stdsmtp"
	"relay/mailer/client"
	"relay/report/words"
)

// speak is -bs: SMTP on the standard streams. Each message goes out like one that
// is read from standard input, in the same way and with the same rights.
func (s *sending) speak(ctx context.Context) error {
	return stdsmtp.Serve(s.Env.Stdin, s.Env.Stdout, stdsmtp.Config{
		Hostname: s.host, MaxMessage: s.cfg.Limits.MaxMessage.Bytes,
		Take: func(from string, to []string, content io.Reader) stdsmtp.Reply { return s.take(ctx, from, to, content) },
	})
}

// take sends one message of the conversation. The answer is the relay's, where
// there is one.
func (s *sending) take(ctx context.Context, from string, to []string, content io.Reader) stdsmtp.Reply {
	args := *s.args
	args.dots, args.headers, args.sender, args.senderSet, args.rcpts = true, false, from, true, nil
	for _, addr := range to {
		args.rcpts = append(args.rcpts, mailbox{addr: addr, end: len(addr)})
	}
	one := sending{Program: s.Program, args: &args, cfg: s.cfg, dir: s.dir, blind: s.blind, host: s.host}
	err := one.handOver(ctx, content)
	if a := one.answer; a.Code == 530 { // AUTH is not spoken here
		_, hint := meaning(client.StageMail, a)
		return stdsmtp.Reply{Code: a.Code, Enhanced: a.Enhanced, Text: hint}
	} else if a.Code != 0 {
		return stdsmtp.Reply{Code: a.Code, Enhanced: a.Enhanced, Text: words.Clean(a.Text)}
	}
	return replyTo(err)
}

// replyTo says in SMTP why a message was not handed over. An unknown error is temporary.
func replyTo(err error) stdsmtp.Reply {
	r := stdsmtp.Reply{Code: 451, Enhanced: [3]int{4, 3, 0}, Text: words.Clean(err.Error())}
	if f, ok := errors.AsType[*exit.Error](err); ok && (f.Code == exit.WrongData || f.Code == exit.WrongUsage) {
		r.Code, r.Enhanced = 554, [3]int{5, 6, 0}
	}
	return r
}
