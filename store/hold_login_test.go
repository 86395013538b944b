package store

import (
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"relay/quota"
	"relay/store/access"
	"relay/store/behalf"
	"relay/store/news"
	"relay/store/people"
	"relay/store/spool"
	"relay/store/spooled"
	"relay/store/standing"
)

// loginStore has the account acme with the logins acme and phone.
func loginStore(t *testing.T, path string) (*Store, *clock) {
	t.Helper()
	c := &clock{t: epoch}
	s := reopen(t, path, c)
	addAccount(t, s, "acme", quota.Plan{})
	for _, login := range []string{"acme", "phone"} {
		if err := s.People.AddCredential(behalf.Order{}, people.Credential{Login: login, Account: "acme", Kind: people.Token, Hash: "x"}); err != nil && !errors.Is(err, ErrExists) {
			t.Fatal(err)
		}
	}
	return s, c
}

// acceptBy has a login hand over a message.
func acceptBy(t *testing.T, s *Store, login string, to ...string) (*spooled.Message, *standing.Refusal) {
	t.Helper()
	in := intake(s, "acme", 100, to...)
	in.Login = login
	r, err := s.Accept(in)
	if err != nil {
		t.Fatal(err)
	}
	return in.Message, r
}

func hold(t *testing.T, s *Store, login string, by people.Holder) bool {
	t.Helper()
	changed, err := s.HoldLogin(behalf.Order{}, "acme", login, people.LoginHold{Holder: by, Reason: "lost"})
	if err != nil {
		t.Fatal(err)
	}
	return changed
}

func resume(t *testing.T, s *Store, login string) spool.Released {
	t.Helper()
	_, mail, err := s.ResumeLogin(behalf.Order{}, "acme", login, people.HeldByOperator)
	if err != nil {
		t.Fatal(err)
	}
	return mail
}

// A login that is held sends nothing, what it queued in the hour before stays, and the other
// login goes on. Resumed, all of it goes on; a restart changes nothing.
func TestStore_HoldLogin(t *testing.T) {
	path := filepath.Join(t.TempDir(), "relay.db")
	s, c := loginStore(t, path)
	old, _ := acceptBy(t, s, "phone", "a@old.example")
	c.add(time.Hour + time.Minute)
	mail, _ := acceptBy(t, s, "phone", "b@new.example", "c@new.example")
	other, _ := acceptBy(t, s, "acme", "d@other.example")
	flying, _ := acceptBy(t, s, "phone", "e@flying.example")
	if got := claim(t, s, "flying.example", "acme", 9); len(got) != 1 || got[0].Message.ID != flying.ID {
		t.Fatalf("claimed %v", got)
	}
	coming := intake(s, "acme", 100, "f@coming.example")
	coming.Login = "phone"
	if !hold(t, s, "phone", people.HeldByOperator) || hold(t, s, "phone", people.HeldByOperator) {
		t.Error("it was held before, or is not")
	}
	if r, err := s.Accept(coming); err != nil || r == nil || r.Held == nil || r.Login != "phone" || r.Held.Reason != "lost" {
		t.Errorf("a message that was coming in: %+v, %v", r, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = reopen(t, path, c)
	defer s.Close()
	c.add(time.Second) // IDs of one instant are in no order
	if _, r := acceptBy(t, s, "acme", "g@other.example"); r != nil {
		t.Errorf("the other login: %+v", r)
	}
	for domain, want := range map[string][]spooled.ID{"old.example": {old.ID}, "new.example": nil, "other.example": {other.ID}} {
		got := claim(t, s, domain, "acme", 1)
		if ids := idsOf(got); !slices.Equal(ids, want) {
			t.Errorf("claimed for %s %v, want %v", domain, ids, want)
		}
	}
	if _, n, err := s.ResumeLogin(behalf.Order{DryRun: true}, "acme", "phone", people.HeldByOperator); err != nil || n != (spool.Released{Messages: 1, Recipients: 2}) {
		t.Errorf("a dry run: %+v, %v", n, err)
	}
	if n := resume(t, s, "phone"); n != (spool.Released{Messages: 1, Recipients: 2}) {
		t.Errorf("released %+v", n)
	}
	if _, r := acceptBy(t, s, "phone", "h@other.example"); r != nil {
		t.Errorf("resumed: %+v", r)
	}
	if ids := idsOf(claim(t, s, "new.example", "acme", 9)); !slices.Equal(ids, []spooled.ID{mail.ID}) {
		t.Errorf("after it was resumed %v", ids)
	}
	verify(t, s)
}

// A login that was held and revoked leaves its mail held, whoever gets its name next, is held and
// goes on.
func TestStore_HoldLogin_nameOfAnother(t *testing.T) {
	s, _ := loginStore(t, filepath.Join(t.TempDir(), "relay.db"))
	defer s.Close()
	addAccount(t, s, "beta", quota.Plan{})
	listed, _ := acceptBy(t, s, "phone", "b@listed.example")
	acceptBy(t, s, "phone", "c@later.example")
	hold(t, s, "phone", people.HeldByRelay)
	if got := claim(t, s, "listed.example", "acme", 9); len(got) > 0 {
		t.Fatalf("claimed %v", got)
	}
	if err := s.People.RemoveCredential(behalf.Order{}, "acme", "phone"); err != nil {
		t.Fatal(err)
	}
	if err := s.People.AddCredential(behalf.Order{}, people.Credential{Login: "phone", Account: "beta", Kind: people.Token, Hash: "x"}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.HoldLogin(behalf.Order{}, "beta", "phone", people.LoginHold{Holder: people.HeldByOperator}); err != nil {
		t.Fatal(err)
	}
	if got := claim(t, s, "later.example", "acme", 9); len(got) > 0 {
		t.Errorf("after the hold of another's login the mail goes out: %v", idsOf(got))
	}
	_, n, err := s.ResumeLogin(behalf.Order{}, "beta", "phone", people.HeldByOperator)
	if err != nil || n != (spool.Released{}) {
		t.Errorf("another's login goes on with %+v, %v", n, err)
	}
	if m, err := s.Spool.QueueMessage(listed.ID); err != nil || !m.Recipients[0].Held {
		t.Errorf("mail of the first one: %+v, %v", m, err)
	}
	if err := s.RemoveAccount(behalf.Order{}, "beta"); err != nil {
		t.Fatal(err)
	}
	for _, domain := range []string{"listed.example", "later.example"} {
		if got := claim(t, s, domain, "acme", 9); len(got) > 0 {
			t.Errorf("after the other account is gone %v", idsOf(got))
		}
	}
	verify(t, s)
}

func idsOf(list []spool.Claimed) (ids []spooled.ID) {
	for i := range list {
		if len(list[i].Rcpts) > 0 {
			ids = append(ids, list[i].Message.ID)
		}
	}
	return ids
}

// A hold is lifted by its holder or somebody above, and told.
func TestStore_ResumeLogin_byWhom(t *testing.T) {
	holders := []people.Holder{people.HeldByRelay, people.HeldByCustomer, people.HeldByReseller, people.HeldByOperator}
	for _, by := range holders {
		for _, lifts := range holders {
			t.Run(string(by)+" and "+string(lifts), func(t *testing.T) {
				s, _ := loginStore(t, filepath.Join(t.TempDir(), "relay.db"))
				defer s.Close()
				hold(t, s, "phone", by)
				list, _, err := s.News.Due(9)
				if err != nil || !slices.ContainsFunc(list, func(n news.Item) bool { return n.Kind == news.LoginHeld && n.About == "phone" }) {
					t.Errorf("news %+v, %v", list, err)
				}
				was, _, err := s.ResumeLogin(behalf.Order{}, "acme", "phone", lifts)
				may := slices.Index(holders, lifts) >= slices.Index(holders, by)
				if may != (err == nil) || !may && !errors.Is(err, access.ErrOtherHolder) || was == nil || was.Holder != by {
					t.Errorf("%+v, %v", was, err)
				}
				if _, r := acceptBy(t, s, "phone", "a@x.example"); may != (r == nil) {
					t.Errorf("%+v", r)
				}
			})
		}
	}
}

// What a login queued that was revoked while it was held stays held, also when another one
// gets its name, whose own mail goes out.
func TestStore_HoldLogin_revoked(t *testing.T) {
	s, c := loginStore(t, filepath.Join(t.TempDir(), "relay.db"))
	defer s.Close()
	acceptBy(t, s, "phone", "a@x.example")
	hold(t, s, "phone", people.HeldByRelay)
	if err := s.People.RemoveCredential(behalf.Order{}, "acme", "phone"); err != nil {
		t.Fatal(err)
	}
	c.add(time.Minute)
	if err := s.People.AddCredential(behalf.Order{}, people.Credential{Login: "phone", Account: "acme", Kind: people.Token, Hash: "y"}); err != nil {
		t.Fatal(err)
	}
	mine, r := acceptBy(t, s, "phone", "b@x.example")
	if r != nil {
		t.Fatalf("%+v", r)
	}
	if ids := idsOf(claim(t, s, "x.example", "acme", 9)); !slices.Equal(ids, []spooled.ID{mine.ID}) {
		t.Errorf("claimed %v", ids)
	}
	verify(t, s)
}
