package joblog

import (
	"testing"
	"time"

	"relay/store/news"
	"relay/store/room"
	"relay/store/room/roomtest"
)

// The operator is told of a job that fails once until it works, and at most once a day
// however often it works and fails in turn. What the job has done stays as it is.
func TestJobs_Fails(t *testing.T) {
	st := roomtest.Open(t)
	s := New(st.DB, news.New(st.DB))
	begin, told := st.Now(), 0
	if err := s.Set("tea", State{Last: "monday", Done: begin}); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		after time.Duration
		why   string // "": it works
		tell  bool
		fresh bool // or: it did not work before
		told  int
	}{
		{0, "", true, false, 0},
		{time.Hour, "no water", false, true, 0},
		{2 * time.Hour, "no water", true, false, 1},
		{3 * time.Hour, "no fire", true, true, 1},
		{30 * time.Hour, "no fire", true, false, 1}, // once until it works
		{31 * time.Hour, "", true, true, 1},
		{32 * time.Hour, "no water", true, true, 2},
		{33 * time.Hour, "", true, true, 2},
		{34 * time.Hour, "no water", true, true, 2}, // once a day
		{55 * time.Hour, "no water", true, false, 2},
		{56 * time.Hour, "no water", true, false, 3},
	} {
		st.Pass(begin.Add(step.after).Sub(st.Now()))
		var fresh bool
		var err error
		if step.why == "" {
			fresh, err = s.Works("tea")
		} else {
			fresh, err = s.Fails("tea", step.why, step.tell)
		}
		if err != nil || fresh != step.fresh {
			t.Errorf("after %v: %v, %v, want %v", step.after, fresh, err, step.fresh)
		}
		list, _, err := s.news.Due(10)
		for i := range list {
			if told++; list[i].Kind != news.FailedJob || list[i].About != "tea" || list[i].Why != "no water" {
				t.Errorf("told %+v", list[i])
			}
			if err := s.db.Update(0, func(t room.Tx) error { return s.news.Take(&t, &list[i], &list[i]) }); err != nil {
				t.Error(err)
			}
		}
		if err != nil || told != step.told {
			t.Errorf("after %v: %d told, %v, want %d", step.after, told, err, step.told)
		}
		j, err := s.State("tea")
		if err != nil || j.Last != "monday" || !j.Done.Equal(begin) || j.Error != step.why {
			t.Errorf("after %v: %+v, %v", step.after, j, err)
		}
	}
}

// An instant that is recorded is not taken back, unless the clock was wrong.
func TestJobs_Done(t *testing.T) {
	st := roomtest.Open(t)
	s, now := New(st.DB, news.New(st.DB)), st.Now()
	for _, x := range []struct{ at, want time.Time }{
		{now, now},
		{now.Add(-time.Hour), now},
		{now.AddDate(1, 0, 0), now.AddDate(1, 0, 0)},
		{now.Add(-time.Hour), now.Add(-time.Hour)},
	} {
		if err := s.Done("tea", x.at); err != nil {
			t.Fatal(err)
		}
		if j, err := s.State("tea"); err != nil || j.Last != x.want.Format(time.RFC3339Nano) || !j.Done.Equal(now) {
			t.Errorf("at %s: %+v, %v", x.at, j, err)
		}
	}
}
