// Package memlimit keeps the process within the memory that it may have: what the
// control group it runs in, or one above that, is limited to (cgroups(7)), versions 2
// and 1. Follow has Go's collector keep below it, Bodies is the part of it for mail.
package memlimit

import (
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// none is what version 1 says where there is no limit, or nearly.
const none = 1 << 60

// Of returns the lowest memory limit of the process, in octets, from the files below root,
// which stands for /; ok is false if there is none, or it cannot be found out. The amount
// above which the kernel slows a process down (memory.high) counts as a limit too.
func Of(root fs.FS) (limit int64, ok bool) {
	text, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return 0, false
	}
	limit = none
	for line := range strings.Lines(string(text)) {
		part := strings.SplitN(strings.TrimSpace(line), ":", 3)
		switch {
		case len(part) < 3:
		case part[1] == "":
			limit = min(limit, least(root, "sys/fs/cgroup", part[2], "memory.max", "memory.high"))
		case hasMemory(part[1]):
			limit = min(limit, least(root, "sys/fs/cgroup/memory", part[2], "memory.limit_in_bytes"))
		}
	}
	return limit, limit < none
}

func hasMemory(controllers string) bool {
	return slices.Contains(strings.Split(controllers, ","), "memory")
}

// least returns the lowest limit of a group and the groups above it. In a container the
// process's own group is the root of the tree, and its name outside does not exist there.
func least(root fs.FS, base, group string, files ...string) int64 {
	limit := int64(none)
	for at := path.Join("/", group); ; at = path.Dir(at) {
		for _, name := range files {
			limit = min(limit, read(root, path.Join(base, at, name)))
		}
		if at == "/" {
			return limit
		}
	}
}

// read is a limit; "max" and what is not there are none.
func read(root fs.FS, name string) int64 {
	text, err := fs.ReadFile(root, name)
	if err != nil {
		return none
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	if err != nil || n <= 0 {
		return none
	}
	return n
}
