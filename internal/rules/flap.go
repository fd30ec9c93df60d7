package rules

import (
	"errors"
	"fmt"
	"time"
)

// Flapping says when an alert begins and ends too often to be told each time.
// The zero value is off.
type Flapping struct {
	Transitions int           // changes within Window that are still told
	Window      time.Duration // and how long it must be quiet to be believed again
}

// On tells whether alerts are watched at all.
func (f Flapping) On() bool { return f != Flapping{} }

// Validate reports everything that is wrong, each beginning with the field.
func (f Flapping) Validate() error {
	if !f.On() {
		return nil
	}
	var errs []error
	if f.Transitions < 2 {
		errs = append(errs, fmt.Errorf("transitions: %d is too small, must be at least 2, one begin and one end", f.Transitions))
	}
	if f.Window <= 0 {
		errs = append(errs, fmt.Errorf("window: %s is too short, must be longer than 0s", f.Window))
	}
	return errors.Join(errs...)
}

// Flaps counts the changes of alerts. It is not safe for concurrent use.
type Flaps[K comparable] struct {
	Flapping
	// Max bounds the alerts that are watched; 0 = no bound. A change of another
	// is told as if nothing were watched.
	Max int

	changes map[K][]time.Time // the newest Transitions+1 of each, oldest first
}

// Change notes a change and tells whether there were more of them within the
// window than Transitions. watched is false when there is no room for another
// alert.
func (f *Flaps[K]) Change(k K, at time.Time) (tooOften, watched bool) {
	if !f.On() {
		return false, true
	}
	times, known := f.changes[k]
	if !known && f.Max > 0 && len(f.changes) >= f.Max {
		return false, false
	}
	if f.changes == nil {
		f.changes = map[K][]time.Time{}
	}
	if len(times) > f.Transitions {
		times = append(times[:0], times[1:]...)
	}
	times = append(times, at)
	f.changes[k] = times
	return len(times) > f.Transitions && at.Sub(times[0]) < f.Window, true
}

// Quiet tells whether the alert did not change for a whole window.
func (f *Flaps[K]) Quiet(k K, at time.Time) bool {
	times := f.changes[k]
	return len(times) == 0 || at.Sub(times[len(times)-1]) >= f.Window
}

// Forget drops the alerts that are quiet.
func (f *Flaps[K]) Forget(at time.Time) {
	for k := range f.changes {
		if f.Quiet(k, at) {
			delete(f.changes, k)
		}
	}
}
