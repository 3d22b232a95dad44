package worker

import (
	"bufio"
	"os"
	"strconv"
	"strings"
)

// memoryKills counts the processes that the kernel has killed for memory, on the
// machine and in this control group. It is 0 where Linux's counters cannot be read;
// then a kill for memory shows as signal 9 only.
func memoryKills() int64 {
	return counter("/proc/vmstat", "oom_kill") + counter("/sys/fs/cgroup/memory.events", "oom_kill")
}

// counter reads a number from a file of lines "name number".
func counter(path, name string) int64 {
	f, err := os.Open(path)
	if err != nil {
		return 0
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if text, ok := strings.CutPrefix(lines.Text(), name+" "); ok {
			n, _ := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
			return n
		}
	}
	return 0
}
