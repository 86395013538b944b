package serve

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"testing"
	"time"
)

// A relay with [metrics] answers scrapes with what it counts, and nothing else.
func TestRelay_metrics(t *testing.T) {
	t.Parallel()
	sup := newSupervision()
	s := run(t, sup, 0, "[metrics]\nlisten = \"127.0.0.1:0\"\n")
	sup.wait(t, 1, "READY=1")
	address := func(pattern string) string {
		t.Helper()
		m := regexp.MustCompile(pattern).FindStringSubmatch(s.log.String())
		if m == nil {
			t.Fatalf("no line %q:\n%s", pattern, s.log)
		}
		return m[1]
	}
	conn, err := net.Dial("tcp", address(`msg=listening .*addr=(127\.0\.0\.1:\d+)`))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	client := bufio.NewReader(conn)
	_, _ = client.ReadString('\n')
	_, _ = fmt.Fprint(conn, "BOGUS\r\n")
	if line, err := client.ReadString('\n'); err != nil || line[0] != '5' {
		t.Fatal(line, err)
	}
	at := "http://" + address(`msg="metrics listening" .*addr=(127\.0\.0\.1:\d+)`)
	get := func(path string) (int, string) {
		t.Helper()
		web := http.Client{Timeout: soon, Transport: &http.Transport{DisableKeepAlives: true}}
		res, err := web.Get(at + path)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(text)
	}
	code, text := get("/metrics")
	if code != http.StatusOK {
		t.Fatal(code, text)
	}
	for _, pattern := range []string{`(?m)^relay_smtp_refusals_total\{reply="50\d 5\.5\.\d"\} 1$`, `(?m)^relay_smtp_connections 1$`, `(?m)^relay_delivery_schedule_up 1$`,
		`(?m)^relay_queue_oldest_seconds 0$`, `(?m)^relay_store_commit_seconds_count [1-9]`, `(?m)^relay_job_next_timestamp_seconds\{job="close"\} `, `(?m)^relay_store_disk_bytes `} {
		mustMatch(t, "metrics", text, pattern)
	}
	if code, _ := get("/"); code != http.StatusNotFound {
		t.Errorf("/ is answered with %d", code)
	}
	slow, err := net.DialTimeout("tcp", at[len("http://"):], time.Minute) // it says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	s.stop(t)
}
