package store

import (
	"testing"
	"time"
)

// The operator is told of a job that fails once until it works, and at most once a day
// however often it works and fails in turn. What the job has done stays as it is.
func TestStore_JobFails(t *testing.T) {
	s, c := newBooks(t)
	begin, told := s.Now(), 0
	if err := s.SetJob("tea", JobState{Last: "monday", Done: begin}); err != nil {
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
		c.set(begin.Add(step.after))
		var fresh bool
		var err error
		if step.why == "" {
			fresh, err = s.JobWorks("tea")
		} else {
			fresh, err = s.JobFails("tea", step.why, step.tell)
		}
		if err != nil || fresh != step.fresh {
			t.Errorf("after %v: %v, %v, want %v", step.after, fresh, err, step.fresh)
		}
		list, _, err := s.DueNews(10)
		for i := range list {
			if told++; list[i].Kind != NewsFailedJob || list[i].About != "tea" || list[i].Why != "no water" {
				t.Errorf("told %+v", list[i])
			}
			if err := s.Tell(&list[i], nil); err != nil {
				t.Error(err)
			}
		}
		if err != nil || told != step.told {
			t.Errorf("after %v: %d told, %v, want %d", step.after, told, err, step.told)
		}
		j, err := s.Job("tea")
		if err != nil || j.Last != "monday" || !j.Done.Equal(begin) || j.Error != step.why {
			t.Errorf("after %v: %+v, %v", step.after, j, err)
		}
	}
}
