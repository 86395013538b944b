package cli

import (
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"testing"

	"relay/cli/exit"
)

// A next hop that takes connections and says nothing: health and queue top say that
// none is left, and who has it.
func TestHealth_allConnectionsInUse(t *testing.T) {
	tarpit, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer tarpit.Close()
	e := newEnv(t, strings.Replace(testConfig, `smarthost = "127.0.0.1:1"`, fmt.Sprintf("smarthost = %q\nconnections = 1", tarpit.Addr()), 1))
	e.must(t, "account", "add", "acme", "--plan", "entry")
	e.must(t, "account", "network", "add", "acme", "127.0.0.0/8")
	s := serveTest(t, e)
	if text := e.must(t, "health"); strings.Contains(text, "connection") {
		t.Errorf("health before: %s", text)
	}
	if err := submit(s.dir, "a@acme.example", "x@one.example"); err != nil {
		t.Fatal(err)
	}
	conn, err := tarpit.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()

	const line = "the only connection to next hops is in use: acme has 1"
	mustMatch(t, "health", e.must(t, "health"), `^OK: 1 message in the queue, up .*\n`+line+`\n$`)
	mustMatch(t, "queue top", e.must(t, "queue", "top"), `(?m)^-- 1 message, 1 recipient\n-- `+line+`\n`)
	mustMatch(t, "queue top by domain", e.must(t, "queue", "top", "--by", "domain"), line)
	var health struct {
		Healthy     bool
		Connections struct {
			Limit    int
			InUse    int `json:"in_use"`
			Accounts []struct {
				Account     string
				Connections int
			}
			Waiting []string
		}
	}
	if err := json.Unmarshal([]byte(e.must(t, "health", "--json")), &health); err != nil {
		t.Fatal(err)
	}
	c := health.Connections
	if !health.Healthy || c.Limit != 1 || c.InUse != 1 || len(c.Accounts) != 1 || c.Accounts[0].Account != "acme" || c.Accounts[0].Connections != 1 || c.Waiting == nil {
		t.Errorf("health --json: %+v", health)
	}
	mustMatch(t, "queue top --json", e.must(t, "queue", "top", "--json"), `"connections":\{"limit":1,"in_use":1,"account":1,"waits":false\}`)
	mustMatch(t, "queue top --by domain --json", e.must(t, "queue", "top", "--by", "domain", "--json"), `"connections":\{"limit":1,"in_use":1\}`)
	if code := s.stop(); code != exit.Done {
		t.Errorf("exit code %d", code)
	}
}
