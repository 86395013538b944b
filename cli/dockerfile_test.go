package cli

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"relay/cli/config"
	"relay/cli/exit"
	"relay/cli/place"
)

// instructions of the Dockerfile, with lines that are continued made one.
func instructions(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile("../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]string{}
	for line := range strings.Lines(strings.ReplaceAll(string(text), "\\\n", " ")) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		if word != "" && word != "#" {
			all[word] = append(all[word], rest)
		}
	}
	return all
}

// execForm is the command line of an instruction in JSON.
func execForm(t *testing.T, text string) (argv []string) {
	t.Helper()
	if err := json.Unmarshal([]byte(text[strings.Index(text, "["):]), &argv); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return argv
}

// The image starts and asks what there is, keeps its data where the volume is,
// and shows the ports that relay listens on.
func TestDockerfile(t *testing.T) {
	all := instructions(t)
	one := func(word string) string {
		t.Helper()
		if len(all[word]) != 1 {
			t.Fatalf("%d instructions %s, want 1", len(all[word]), word)
		}
		return all[word][0]
	}
	entry := execForm(t, one("ENTRYPOINT"))
	if len(entry) != 1 {
		t.Fatalf("ENTRYPOINT %q", entry)
	}
	installed := false
	for _, c := range all["COPY"] {
		installed = installed || strings.HasSuffix(c, " /out/relay "+entry[0])
	}
	if !installed {
		t.Errorf("nothing is copied to %s", entry[0])
	}
	if !slices.ContainsFunc(all["COPY"], func(c string) bool { return strings.HasSuffix(c, " /tmp") }) {
		t.Error("there is no /tmp, where sandbox and restore put their files")
	}
	health := execForm(t, one("HEALTHCHECK"))
	if health[0] != entry[0] {
		t.Errorf("HEALTHCHECK runs %s, ENTRYPOINT %s", health[0], entry[0])
	}
	for _, args := range [][]string{health[1:], execForm(t, one("CMD"))} {
		e := env{}
		if _, stderr, code := e.run("", append(args, "--help")...); code != exit.Done {
			t.Errorf("relay %s --help: exit code %d\n%s", args, code, stderr)
		}
	}
	data, ok := strings.CutPrefix(one("ENV"), "RELAY_DATA=")
	if volume := one("VOLUME"); !ok || data != volume || data != place.System {
		t.Errorf("ENV %s, VOLUME %s, want %s", one("ENV"), volume, place.System)
	}
	var ports []string
	for _, l := range config.DefaultListen() {
		ports = append(ports, strings.TrimPrefix(l.Addr, ":"))
	}
	if got, want := one("EXPOSE"), strings.Join(ports, " "); got != want {
		t.Errorf("EXPOSE %s, want %s", got, want)
	}
	for _, from := range all["FROM"] {
		if image, _, _ := strings.Cut(from, " "); strings.Contains(image, "/") {
			t.Errorf("FROM %s names a registry", image)
		}
	}
	if last := all["FROM"][len(all["FROM"])-1]; last != "scratch" {
		t.Errorf("the image is made from %s", last)
	}
}

// What .dockerignore leaves out is not needed to build.
func TestDockerignore(t *testing.T) {
	text, err := os.ReadFile("../.dockerignore")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		switch strings.TrimSpace(line) {
		case "cli", "mailer", "quiet", "quota", "smtp", "store", "report", "main.go", "go.mod", "go.sum", "*", "*.go", "*.toml":
			t.Errorf("%s is left out of the image's source", line)
		}
	}
}
