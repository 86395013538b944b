package cli

import (
	"fmt"
	"io"
	"os"
	"slices"

	cli "github.com/urfave/cli/v2"

	"relay/cli/exit"
	"relay/cli/term"
	"relay/quota"
	"relay/report/words"
)

func (p *program) planImport() *cli.Command {
	var dryRun bool
	c := p.onStore(&cli.Command{
		Name: "import", ArgsUsage: "FILE", Usage: "add and change plans from TOML",
		Description: `FILE - is standard input. Plans of the file are added, or take the place of those of their names; others stay. All of it is done or, when anything is wrong, nothing. Running terms never change: accounts keep what they bought.

  relay plan export > plans.toml
  relay plan import plans.toml --dry-run`,
		Flags: []cli.Flag{&cli.BoolFlag{Name: "dry-run", Usage: "show the differences and change nothing", Destination: &dryRun}},
	}, work{
		stdin: func([]string) bool { return true },
		run:   func(c *call) error { return c.planImport(c.args[0], dryRun) },
	})
	run := c.Action
	c.Action = func(cc *cli.Context) error {
		file := cc.Args().First()
		if p.inner != nil || file == "-" {
			return run(cc)
		}
		f, err := os.Open(file) // here: the running relay reads no files of other users
		if err != nil {
			return exit.Fail(exit.Failed, "relay plan export writes one", "%w", err)
		}
		defer f.Close()
		p.Stdin = f
		return run(cc)
	}
	return c
}

// planChange is what an import does to a plan, for programs.
type planChange struct {
	Plan    string      `json:"plan"`
	Change  string      `json:"change"` // new, changed or same
	Changed []keyChange `json:"changed"`
}

type keyChange struct {
	Key string `json:"key"`
	Was string `json:"was"` // as the file has it; "": left out
	Is  string `json:"is"`
}

func (c *call) planImport(file string, dryRun bool) error {
	text, err := io.ReadAll(io.LimitReader(c.Stdin, mostPlans+1))
	if err != nil {
		return err
	}
	if file == "-" {
		file = "standard input"
	}
	if len(text) > mostPlans {
		return badPlans(file, []string{"longer than " + words.Size(mostPlans) + ": it is no file of plans"})
	}
	list, err := readPlans(file, string(text), c.currency())
	if err != nil {
		return err
	}
	was, err := c.st.PutPlans(list, dryRun)
	if err != nil {
		return err
	}
	changes := make([]planChange, len(list))
	changed := map[string]*quota.Plan{}
	for i := range list {
		changes[i] = differences(was[i], &list[i], c.currency())
		if changes[i].Change == "changed" {
			changed[list[i].Name] = &list[i]
		}
	}
	if err := c.showChanges(changes, dryRun); err != nil || len(changed) == 0 {
		return err
	}
	n, all, err := c.running(func(terms *quota.Plan) bool {
		is := changed[terms.Name]
		return is != nil && !sameTerms(terms, is)
	})
	if err == nil && n > 0 {
		c.note("running terms stay as they were bought: %s%s on older terms of what is changed", ifSo(!all, "at least "), words.Plural(n, "account"))
	}
	return err
}

// differences between a plan (nil: none yet) and what takes its place, as they
// stand in a file.
func differences(was, is *quota.Plan, currency string) planChange {
	d := planChange{Plan: is.Name, Change: "new", Changed: []keyChange{}}
	to := planKeys(is, currency)
	if was == nil {
		for _, k := range to[1:] {
			d.Changed = append(d.Changed, keyChange{k.key, "", k.value})
		}
		return d
	}
	from := planKeys(was, currency)
	value := func(list []planKey, key string) string {
		if i := slices.IndexFunc(list, func(k planKey) bool { return k.key == key }); i >= 0 {
			return list[i].value
		}
		return ""
	}
	for _, k := range from {
		if is := value(to, k.key); is != k.value {
			d.Changed = append(d.Changed, keyChange{k.key, k.value, is})
		}
	}
	for _, k := range to {
		if value(from, k.key) == "" {
			d.Changed = append(d.Changed, keyChange{k.key, "", k.value})
		}
	}
	if d.Change = "changed"; len(d.Changed) == 0 {
		d.Change = "same"
	}
	return d
}

func (c *call) showChanges(changes []planChange, dryRun bool) error {
	if c.json {
		return term.EncodeAll(c.Stdout, changes)
	}
	count := map[string]int64{}
	for _, d := range changes {
		count[d.Change]++
		if d.Change == "same" {
			continue
		}
		if err := c.say("%s %s", d.Change, d.Plan); err != nil {
			return err
		}
		for _, k := range d.Changed {
			line := k.Key + " = " + k.Is
			if d.Change == "changed" {
				line = fmt.Sprintf("%s: %s -> %s", k.Key, orElse(k.Was, "left out"), orElse(k.Is, "left out"))
			}
			for i, l := range term.Wrap(line, term.Columns-4) {
				if err := c.say("  %s%s", ifSo(i > 0, "  "), l); err != nil {
					return err
				}
			}
		}
	}
	what := "%s new, %d changed, %d as they were"
	if dryRun {
		what = "dry run, nothing is changed: %s would be new, %d changed, %d as they were"
	}
	return c.say(what, words.Plural(count["new"], "plan"), count["changed"], count["same"])
}
