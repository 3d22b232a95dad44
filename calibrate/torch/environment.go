package torch

import (
	"bufio"
	"os"
	"runtime"
	"strconv"
	"strings"

	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/torch/shim"
)

// EngineVersion changes when the engine's numbers may.
const EngineVersion = "1"

func environment(noCUDA string) evidence.Environment {
	host, err := os.Hostname()
	if err != nil {
		host = ""
	}
	env := evidence.Environment{
		Host: host, OS: runtime.GOOS + "/" + runtime.GOARCH, CPU: procField("/proc/cpuinfo", "model name"), Cores: runtime.NumCPU(),
		MemoryBytes: memTotal(), Engine: "ftadvise-engine " + EngineVersion, Libtorch: shim.Version(), Threads: shim.Threads(),
	}
	if noCUDA == "" && shim.CUDACount() > 0 {
		addGPU(&env)
	}
	return env
}

func addGPU(env *evidence.Environment) {
	env.GPU, env.Driver = shim.GPUName(0)
	env.ComputeCapacity = shim.Capability(0)
	if memory, err := shim.MemoryOf(0); err == nil {
		env.GPUMemoryBytes, env.GPUFreeBytes = memory.Total, memory.Free
	}
}

// memTotal is the machine's memory in bytes; 0 where the system does not say.
func memTotal() int64 {
	kb, err := strconv.ParseInt(strings.TrimSuffix(procField("/proc/meminfo", "MemTotal"), " kB"), 10, 64)
	if err != nil {
		return 0
	}
	return kb * 1024
}

// procField is the first value of a "key : value" line; empty where there is none.
func procField(path, key string) string {
	file, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		name, value, ok := strings.Cut(lines.Text(), ":")
		if ok && strings.TrimSpace(name) == key {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
