//go:build !linux

package intake

import (
	"errors"
	"time"
)

// processTime has no reader on this system: the signal is unreadable.
func processTime() (time.Duration, error) {
	return 0, errors.ErrUnsupported
}
