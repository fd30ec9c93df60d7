//go:build unix

package bench

import (
	"syscall"
	"time"
)

// cpuTime is the processor time that this process took so far, its garbage
// collector included. Unlike the clock it stands while others have the machine.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err) // it cannot fail with these arguments
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
