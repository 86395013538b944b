package memlimit

import (
	"os"
	"runtime/debug"
	"testing"
	"testing/fstest"
)

func TestOf(t *testing.T) {
	for _, c := range []struct {
		name  string
		files map[string]string
		want  int64 // 0: none
	}{
		{"nothing there", nil, 0},
		{"version 2", map[string]string{
			"proc/self/cgroup": "0::/system.slice/relay.service\n",
			"sys/fs/cgroup/system.slice/relay.service/memory.max": "500000000\n"}, 500_000_000},
		{"version 2, slowed down before", map[string]string{
			"proc/self/cgroup": "0::/system.slice/relay.service\n",
			"sys/fs/cgroup/system.slice/relay.service/memory.max":  "500000000\n",
			"sys/fs/cgroup/system.slice/relay.service/memory.high": "300000000\n"}, 300_000_000},
		{"version 2, a limit above it", map[string]string{
			"proc/self/cgroup": "0::/system.slice/relay.service\n",
			"sys/fs/cgroup/system.slice/relay.service/memory.max": "max\n",
			"sys/fs/cgroup/system.slice/memory.max":               "200000000\n"}, 200_000_000},
		{"version 2, no limit", map[string]string{
			"proc/self/cgroup": "0::/a\n", "sys/fs/cgroup/a/memory.max": "max\n", "sys/fs/cgroup/a/memory.high": "max\n"}, 0},
		{"a container", map[string]string{
			"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "268435456\n"}, 268435456},
		{"version 1", map[string]string{
			"proc/self/cgroup": "11:cpu,cpuacct:/x\n4:memory:/docker/abc\n0::/\n",
			"sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes": "134217728\n"}, 134217728},
		{"version 1, a container that does not see its name", map[string]string{
			"proc/self/cgroup": "4:memory:/docker/abc\n", "sys/fs/cgroup/memory/memory.limit_in_bytes": "134217728\n"}, 134217728},
		{"version 1, no limit", map[string]string{
			"proc/self/cgroup": "4:memory:/\n", "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n"}, 0},
		{"nonsense", map[string]string{
			"proc/self/cgroup": "x\n0::/../..\n", "sys/fs/cgroup/memory.max": "-5\n"}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := fstest.MapFS{}
			for name, text := range c.files {
				root[name] = &fstest.MapFile{Data: []byte(text)}
			}
			if got, ok := Of(root); ok != (c.want > 0) || ok && got != c.want {
				t.Errorf("Of = %d, %v, want %d", got, ok, c.want)
			}
		})
	}
}

// The real one can be read, whatever it says.
func TestOf_here(t *testing.T) {
	if n, ok := Of(os.DirFS("/")); ok && n < 1<<20 {
		t.Errorf("%d octets cannot be right", n)
	}
}

func TestFollow(t *testing.T) {
	was := debug.SetMemoryLimit(-1)
	defer debug.SetMemoryLimit(was)
	root := fstest.MapFS{"proc/self/cgroup": {Data: []byte("0::/\n")}}
	if Follow(root) != 0 || debug.SetMemoryLimit(-1) != was {
		t.Error("a limit is set where there is none")
	}
	root["sys/fs/cgroup/memory.max"] = &fstest.MapFile{Data: []byte("1000000000\n")}
	if n := Follow(root); n != 1_000_000_000 || debug.SetMemoryLimit(-1) != 900_000_000 {
		t.Errorf("Follow = %d, Go's limit is %d", n, debug.SetMemoryLimit(-1))
	}
}

func TestBodies(t *testing.T) {
	for limit, want := range map[int64]int64{0: mostBodies, 64 << 20: leastBodies, 512 << 20: 64 << 20, 8 << 30: mostBodies} {
		if got := Bodies(limit); got != want {
			t.Errorf("Bodies(%d) = %d, want %d", limit, got, want)
		}
	}
}
