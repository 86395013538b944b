package cli

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"relay/cli/exit"
	"relay/mailer/client"
)

func TestParseSendmail(t *testing.T) {
	boxes := func(addrs ...string) (list []mailbox) {
		for _, a := range addrs {
			list = append(list, mailbox{a, len(a)})
		}
		return list
	}
	for _, c := range []struct {
		line string
		want sendmailArgs
	}{
		{"-t -i", sendmailArgs{headers: true, dots: true}},
		{"-ti", sendmailArgs{headers: true, dots: true}},
		{"-t -oi", sendmailArgs{headers: true, dots: true}},
		{"-t -o i", sendmailArgs{headers: true, dots: true}},
		{"-OIgnoreDots=true -t", sendmailArgs{headers: true, dots: true}},
		{"-oem -oee -odb -t", sendmailArgs{headers: true}},
		{"-t -i -fweb@example.org", sendmailArgs{headers: true, dots: true, sender: "web@example.org", senderSet: true}},
		{"-t -i -f web@example.org", sendmailArgs{headers: true, dots: true, sender: "web@example.org", senderSet: true}},
		{"-tif web@example.org a@b.example", sendmailArgs{headers: true, dots: true, sender: "web@example.org", senderSet: true, rcpts: boxes("a@b.example")}},
		{"-f <> a@b.example", sendmailArgs{senderSet: true, rcpts: boxes("a@b.example")}},
		{"-f <web@example.org> -t", sendmailArgs{headers: true, sender: "web@example.org", senderSet: true}},
		{"-r web@example.org -t", sendmailArgs{headers: true, sender: "web@example.org", senderSet: true}},
		{"-FCronDaemon -i -B8BITMIME -oem root", sendmailArgs{dots: true, fullName: "CronDaemon", rcpts: boxes("root")}}, // Debian's cron
		{"-F Cron -B 8BITMIME root a@b.example,c@d.example", sendmailArgs{fullName: "Cron", rcpts: append(boxes("root"), mailbox{"a@b.example", 11}, mailbox{"c@d.example", 23})}},
		{"-N never -R hdrs -V 42 -t", sendmailArgs{headers: true, notify: client.NotifyNever, ret: "HDRS", envID: "42"}},
		{"-Nfailure,DELAY -Rfull -t", sendmailArgs{headers: true, notify: client.NotifyFailure | client.NotifyDelay, ret: "FULL"}},
		{"-bm -v -n -m -s -U -G a@b.example", sendmailArgs{verbose: true, rcpts: boxes("a@b.example")}},
		{"-C /etc/mail/x.cf -X log -L tag -h 3 -p ESMTP:host -d0.1 -A m -t", sendmailArgs{headers: true}},
		{"-t -- -odd@b.example", sendmailArgs{headers: true, rcpts: boxes("-odd@b.example")}},
		{"--json -t", sendmailArgs{headers: true, json: true}},
		{"-bs", sendmailArgs{task: taskSMTP}},
		{"-bp", sendmailArgs{task: taskQueue}},
		{"-bi", sendmailArgs{task: taskNone}},
		{"-q", sendmailArgs{task: taskNone}},
		{"-q30m", sendmailArgs{task: taskNone}},
		{"--help", sendmailArgs{task: taskHelp}},
	} {
		got, err := parseSendmail(strings.Fields(c.line))
		if err != nil || !reflect.DeepEqual(*got, c.want) {
			t.Errorf("%s: %+v, %v, want %+v", c.line, got, err, c.want)
		}
	}
}

func TestParseSendmail_refuses(t *testing.T) {
	for line, code := range map[string]int{
		"-bd": 64, "-bt": 64, "-bv a@b.example": 64,
		"-k": 64, "-tk": 64, "--frm=x": 64, "-t -f": 64, "--config": 64, "-t --config /tmp/x.toml": 64, "--config=/tmp/x.toml -t": 64, "-t --data=/tmp": 64,
		"-f a@b.example,c@d.example -t": 64, "-f <": 64,
		"-N sometimes": 64, "-R some": 64, "Ann<": 64, "-- Ann<": 64, ",": 64,
		"-fa@b.example\nRCPT:c@d.example -t": 64, "-- a@b.example\nc:d@e.example": 64,
	} {
		_, err := parseSendmail(strings.Split(line, " "))
		f, ok := errors.AsType[*exit.Error](err)
		if !ok || f.Code != code || f.Hint == "" {
			t.Errorf("%s: %v (%+v), want exit code %d with a hint", line, err, f, code)
		}
	}
}

func TestProgram_asSendmail(t *testing.T) {
	for _, c := range []struct{ name, line, own, want string }{
		{"/usr/sbin/sendmail", "-t -i", "", "-t -i"},
		{"/usr/sbin/sendmail", "--config f -t", "", "--config f -t"}, // which is refused
		{"/usr/bin/mailq", "", "", "-bp"},
		{"newaliases", "", "", "-bi"},
		{"send-mail", "-i -v root", "", "-i -v root"}, // what BSD's mail calls /usr/sbin/sendmail
		{"relay", "sendmail -t -f x@y", "", "-t -f x@y"},
		{"./relay", "--config f sendmail -t", "--config f", "-t"},
		{"relay", "--config=f --json sendmail", "--config=f --json", ""},
		{"relay", "--data d queue list", "", "!"},
		{"relay", "--data sendmail queue", "", "!"},
		{"relay", "help sendmail", "", "!"},
		{"relay", "", "", "!"},
	} {
		p := &program{App: App{Name: c.name}}
		own, rest, ok := p.asSendmail(strings.Fields(c.line))
		if got := strings.Join(rest, " "); ok != (c.want != "!") || ok && (got != c.want || strings.Join(own, " ") != c.own) {
			t.Errorf("%s %s: %q, %q, %v, want %q, %q", c.name, c.line, own, got, ok, c.own, c.want)
		}
	}
}

// Only what stands before the word sendmail names a configuration.
func TestSendmail_ownFlags(t *testing.T) {
	p := &program{}
	if err := p.ownFlags(strings.Fields("--config f --data=d -json")); err != nil || p.where.Config != "f" || p.where.Data != "d" || !p.json {
		t.Errorf("%+v, %v", p, err)
	}
	for _, line := range []string{"--config", "--api x", "--json=1"} {
		if err := p.ownFlags(strings.Fields(line)); err == nil {
			t.Errorf("%s is taken", line)
		}
	}
}
