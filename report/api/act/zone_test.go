package act

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// The system's zone has to mean the same on the machine of a reseller.
func TestLinkedZone(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string {
		file := filepath.Join(dir, "zoneinfo", name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		link := filepath.Join(dir, filepath.Base(name))
		if err := os.Symlink(file, link); err != nil {
			t.Fatal(err)
		}
		return link
	}
	for file, want := range map[string]string{
		at("Europe/Rome"):          "Europe/Rome",
		at("Nowhere/At_All"):       "",
		filepath.Join(dir, "none"): "",
		dir:                        "",
	} {
		if got := linkedZone(file); got != want {
			t.Errorf("zone of %s: %q, want %q", file, got, want)
		}
	}
	if got := zoneName(time.UTC); got != "UTC" {
		t.Errorf("zone %q, want UTC", got)
	}
}
