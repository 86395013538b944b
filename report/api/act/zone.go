package act

import (
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// zoneName returns the name by which a client on another machine can load the zone.
func zoneName(z *time.Location) string {
	const nameless = "Local" // the system's own, for package time
	if name := z.String(); name != nameless {
		return name
	}
	if name := systemZone(); name != "" {
		return name
	}
	return nameless
}

var systemZone = sync.OnceValue(func() string { return linkedZone("/etc/localtime") })

// linkedZone returns the zone whose file a link leads to; "": it does not lead to one.
func linkedZone(file string) string {
	target, err := filepath.EvalSymlinks(file)
	_, name, ok := strings.Cut(filepath.ToSlash(target), "/zoneinfo/")
	if err != nil || !ok {
		return ""
	}
	if _, err := time.LoadLocation(name); err != nil {
		return ""
	}
	return name
}
