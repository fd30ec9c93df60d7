// Package intake reads load signals from the operating system. It is the part
// of the sampler that does I/O by nature: files below /proc and the cgroup
// mounts, one system call, and the counters of the Go runtime. The moment of a
// reading is still an argument.
package intake
