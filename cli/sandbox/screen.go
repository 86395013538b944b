package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"relay/cli/config"
	"relay/cli/term"
	"relay/quota"
	"relay/report/words"
	"relay/store/books"
	"relay/store/standing"
)

// show sends the first message and writes the first screen, or with --json the document.
// Then the lines of sink and ledger follow.
func (s *sandbox) show(ctx context.Context) error {
	j, err := s.firstMessage(ctx)
	if err != nil {
		return err
	}
	if s.env.JSON {
		err = term.Encode(s.env.Stdout, s.view(&j))
	} else {
		_, err = io.WriteString(s.env.Stdout, s.screen(&j))
	}
	if err == nil {
		s.out.open()
	}
	return err
}

// View is the sandbox as programs see it.
type View struct {
	Hostname    string    `json:"hostname"` // of its certificate
	StartTLS    string    `json:"starttls"` // host:port
	Implicit    string    `json:"implicit"`
	Certificate string    `json:"certificate"` // file
	Account     string    `json:"account"`
	Login       string    `json:"login"`
	Password    string    `json:"password"`
	Data        string    `json:"data"` // for --data
	Log         string    `json:"log"`  // file; "": standard error
	Sink        string    `json:"sink"` // host:port
	Now         time.Time `json:"now"`  // by the sandbox's clock
	Speed       int64     `json:"speed"`
	First       string    `json:"first_id"` // ID of the first message, which was delivered
}

func (s *sandbox) view(j *journey) View {
	v := View{
		Hostname: s.cfg.Host(), StartTLS: s.starttls.Addr().String(), Implicit: s.implicit.Addr().String(),
		Certificate: s.certificateFile(), Account: demoAccount, Login: s.account.name, Password: s.account.password,
		Data: string(s.dir), Sink: s.hop.Addr().String(), Now: s.clock.Now().UTC(), Speed: s.clock.Rate(), First: j.id.String(),
	}
	if s.log != nil {
		v.Log = s.logFile()
	}
	return v
}

// screen is the first screen: settings, what has happened already, and what to try.
func (s *sandbox) screen(j *journey) string {
	var b strings.Builder
	b.WriteString("relay sandbox: a whole relay on this machine. No mail leaves it. Ctrl-C ends it.\n\n")
	_ = term.WriteFields(&b, s.settings()) // a builder takes everything
	b.WriteString("\nA first message was accepted, charged and delivered:\n")
	_ = term.WriteFields(&b, s.story(j))
	b.WriteString("\nSend your own. The second one bounces, and its sender gets a report:\n")
	for _, l := range s.examples() {
		b.WriteString("  " + l + "\n")
	}
	b.WriteString("\nMail to bounce… is refused, to defer… always deferred, to later… deferred once.\n")
	b.WriteString("Look inside with usage, account statement demo, trace ADDRESS or queue list:\n")
	fmt.Fprintf(&b, "  %s usage %s --data %s\n", s.self(), demoAccount, quoted(string(s.dir)))
	b.WriteString("\nMail that would have left this machine, and ledger events:\n")
	return b.String()
}

// settings for a mail program, and where files are.
func (s *sandbox) settings() []term.Field {
	files := string(s.dir)
	if s.log != nil {
		files += ", with relay.log"
	}
	list := []term.Field{
		{"server", fmt.Sprintf("localhost, port %d with STARTTLS, port %d with TLS", config.PortOf(s.starttls.Addr().String()), config.PortOf(s.implicit.Addr().String()))},
		{"user", s.account.name},
		{"password", s.account.password},
		{"files", files + "; removed at the end"},
	}
	if s.traffic > 0 || !s.clock.System() {
		list = append(list, term.Field{"plan", s.deal()})
	}
	if s.traffic > 0 {
		list = append(list, term.Field{"traffic", words.Size(s.traffic) + " a month, generated; starts with this month's mail up to now"})
	}
	if s.clock.System() {
		return list
	}
	text := "set to " + words.Stamp(s.clock.Base(), s.cfg.Zone())
	if s.clock.Rate() > 1 {
		text += fmt.Sprintf(", %s times as fast as real time", words.Number(s.clock.Rate()))
	}
	return append(list, term.Field{"clock", text})
}

// deal is the account's plan, and what happens to mail beyond it.
func (s *sandbox) deal() string {
	a, err := s.store.Books.Account(demoAccount)
	if err != nil {
		return err.Error()
	}
	p, beyond := a.Plan(s.store.BookTime()), "refused"
	if a.Limit(p) == quota.Continue {
		beyond = "invoiced, " + words.Ceiling(p.Ceiling(a.OverMax))
	}
	return fmt.Sprintf("%s, one year, paid: %s a month; mail beyond that is %s", p.Name, words.Size(p.Bandwidth), beyond)
}

// story of the first message, as the store records it.
func (s *sandbox) story(j *journey) []term.Field {
	in, out := j.events[0], j.events[len(j.events)-1]
	plan := s.terms()
	return []term.Field{
		{"accepted", fmt.Sprintf("%s, %s → %s, %s", in.ID, in.Sender, in.Recipients[0].Address, words.Size(in.Size))},
		{"charged", fmt.Sprintf("e-mails %s → %s, bandwidth %s → %s",
			words.Number(j.before.Charged.Messages), ofLimit(j.after.Charged.Messages, plan.Emails, words.Number),
			words.Size(j.before.Charged.Bytes), ofLimit(j.after.Charged.Bytes, plan.Bandwidth, words.Size))},
		{"delivered", fmt.Sprintf("%s, in %d ms", out.Recipients[0].Reply, out.Time.Sub(in.Time).Milliseconds()/s.clock.Rate())},
	}
}

// terms are the account's plan in force.
func (s *sandbox) terms() quota.Plan {
	a, err := s.store.Books.Account(demoAccount)
	if err != nil {
		return quota.Plan{}
	}
	return a.Plan(s.store.BookTime())
}

// ofLimit is "5 of 9,000"; with a limit of 0, which is none, "5".
func ofLimit(n, limit int64, format func(int64) string) string {
	limit, limited := quota.Limit(limit)
	if !limited {
		return format(n)
	}
	return format(n) + " of " + format(limit)
}

// examples are commands that are ready to paste.
func (s *sandbox) examples() []string {
	port := config.PortOf(s.starttls.Addr().String())
	user, password := s.account.name, s.account.password
	return []string{
		`printf 'Subject: Hello\n\nIt works.\n' | curl -sSk --ssl-reqd -T - \`,
		fmt.Sprintf(`  smtp://localhost:%d -u %s:%s \`, port, user, password),
		fmt.Sprintf(`  --mail-from %s --mail-rcpt %s`, demoSender, demoRecipient),
		fmt.Sprintf(`swaks -s localhost:%d -tls -au %s -ap %s \`, port, user, password),
		fmt.Sprintf(`  -f %s -t bounce@example.org --silent 1`, demoSender),
	}
}

// self is how this program is called on a command line.
func (s *sandbox) self() string {
	switch name := s.program.Name; {
	case name == "":
		return "relay"
	case strings.Contains(name, "go-build"): // by go run
		return "go run ."
	default:
		return quoted(name)
	}
}

// quoted is s as one word of a shell.
func quoted(s string) string {
	if s == "" || strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-+@%:,", r))
	}) {
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	}
	return s
}

// sum writes the summary after the relay has stopped.
func (s *sandbox) sum() error {
	st, err := s.openStore(s.now)
	if err != nil {
		return err
	}
	var total standing.Usage
	err = st.Books.EachAccount(books.Wanted{}, func(a *books.Account) error {
		list, err := st.Standings.Usages(a.Name)
		for _, u := range list {
			total.Charged = total.Charged.Add(u.Charged)
			total.Delivered += u.Delivered
			total.Failed += u.Failed
			total.Queued += u.Queued
		}
		return err
	})
	s.out.say("")
	s.out.say(fmt.Sprintf("Accepted %s, %s: %s delivered, %s failed, %s waiting.", words.Plural(total.Charged.Messages, "e-mail"), words.Size(total.Charged.Bytes),
		words.Number(total.Delivered), words.Number(total.Failed), words.Number(total.Queued)))
	s.out.say("Removed " + string(s.dir))
	return errors.Join(err, st.Close())
}
