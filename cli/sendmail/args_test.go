package sendmail

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"relay/cli/exit"
	"relay/cli/place"
	"relay/cli/shell"
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
		want arguments
	}{
		{"-t -i", arguments{headers: true, dots: true}},
		{"-ti", arguments{headers: true, dots: true}},
		{"-t -oi", arguments{headers: true, dots: true}},
		{"-t -o i", arguments{headers: true, dots: true}},
		{"-OIgnoreDots=true -t", arguments{headers: true, dots: true}},
		{"-oem -oee -odb -t", arguments{headers: true}},
		{"-t -i -fweb@example.org", arguments{headers: true, dots: true, sender: "web@example.org", senderSet: true}},
		{"-t -i -f web@example.org", arguments{headers: true, dots: true, sender: "web@example.org", senderSet: true}},
		{"-tif web@example.org a@b.example", arguments{headers: true, dots: true, sender: "web@example.org", senderSet: true, rcpts: boxes("a@b.example")}},
		{"-f <> a@b.example", arguments{senderSet: true, rcpts: boxes("a@b.example")}},
		{"-f <web@example.org> -t", arguments{headers: true, sender: "web@example.org", senderSet: true}},
		{"-r web@example.org -t", arguments{headers: true, sender: "web@example.org", senderSet: true}},
		{"-FCronDaemon -i -B8BITMIME -oem root", arguments{dots: true, fullName: "CronDaemon", rcpts: boxes("root")}}, // Debian's cron
		{"-F Cron -B 8BITMIME root a@b.example,c@d.example", arguments{fullName: "Cron", rcpts: append(boxes("root"), mailbox{"a@b.example", 11}, mailbox{"c@d.example", 23})}},
		{"-N never -R hdrs -V 42 -t", arguments{headers: true, notify: client.NotifyNever, ret: "HDRS", envID: "42"}},
		{"-Nfailure,DELAY -Rfull -t", arguments{headers: true, notify: client.NotifyFailure | client.NotifyDelay, ret: "FULL"}},
		{"-bm -v -n -m -s -U -G a@b.example", arguments{verbose: true, rcpts: boxes("a@b.example")}},
		{"-C /etc/mail/x.cf -X log -L tag -h 3 -p ESMTP:host -d0.1 -A m -t", arguments{headers: true}},
		{"-t -- -odd@b.example", arguments{headers: true, rcpts: boxes("-odd@b.example")}},
		{"--json -t", arguments{headers: true, json: true}},
		{"-bs", arguments{task: taskSMTP}},
		{"-bp", arguments{task: taskQueue}},
		{"-bi", arguments{task: taskNone}},
		{"-q", arguments{task: taskNone}},
		{"-q30m", arguments{task: taskNone}},
		{"--help", arguments{task: taskHelp}},
	} {
		got, err := parse(strings.Fields(c.line))
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
		_, err := parse(strings.Split(line, " "))
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
		own, rest, ok := Split(c.name, strings.Fields(c.line))
		if got := strings.Join(rest, " "); ok != (c.want != "!") || ok && (got != c.want || strings.Join(own, " ") != c.own) {
			t.Errorf("%s %s: %q, %q, %v, want %q, %q", c.name, c.line, own, got, ok, c.own, c.want)
		}
	}
}

// Only what stands before the word sendmail names a configuration.
func TestSendmail_ownFlags(t *testing.T) {
	p := &Program{Env: &shell.Env{}, Where: &place.Flags{}}
	if err := p.ownFlags(strings.Fields("--config f --data=d -json")); err != nil || p.Where.Config != "f" || p.Where.Data != "d" || !p.Env.JSON {
		t.Errorf("%+v, %v", p, err)
	}
	for _, line := range []string{"--config", "--api x", "--json=1"} {
		if err := p.ownFlags(strings.Fields(line)); err == nil {
			t.Errorf("%s is taken", line)
		}
	}
}
