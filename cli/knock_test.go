package cli

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/smtp"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// knock ADDRESS LOGIN PASSWORD CODE: a login at the relay that runs, through a
// balancer, which says that it is from that address.
func cmdKnock(ts *testscript.TestScript, _ bool, args []string) {
	addr, err := listener(of(ts).relay.dir, "starttls")
	ts.Check(err)
	if err := tryLogin(addr, args[0], args[1], args[2]); err == nil || !strings.HasPrefix(err.Error(), args[3]) {
		ts.Fatalf("%s as %s: %v, want %s", args[0], args[1], err, args[3])
	}
}

func tryLogin(addr, from, login, password string) error {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	family, to := "TCP4", "127.0.0.1"
	if strings.Contains(from, ":") {
		family, to = "TCP6", "::1"
	}
	fmt.Fprintf(conn, "PROXY %s %s %s 40000 587\r\n", family, from, to)
	c, err := smtp.NewClient(conn, "relay.test")
	if err != nil {
		return err
	}
	if err := c.StartTLS(&tls.Config{InsecureSkipVerify: true}); err != nil { // its own certificate
		return err
	}
	return c.Auth(smtp.PlainAuth("", login, password, "relay.test"))
}
