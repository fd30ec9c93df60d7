package sender

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/foundation-os/otelcol-foundation/internal/livingos"
)

// run is what the instances of one run share.
type run struct {
	settings livingos.Settings
	options  Options
	world    livingos.World
	start    time.Time

	mu      sync.Mutex
	tally   *livingos.Tally
	summary livingos.Summary // only what the tally does not know
}

// Run sends what the settings say until it is all sent or ctx ends, and returns
// what was acknowledged. It gives up when an export was in vain for
// [Options.RetryFor]; the error then says why, and the summary holds what came
// before.
func Run(ctx context.Context, s livingos.Settings, o Options) (livingos.Summary, error) {
	r := &run{settings: s, options: o, world: livingos.NewWorld(s), start: time.Now(), tally: livingos.NewTally(s)}
	instances := make([]*instance, s.Senders)
	for i := range instances {
		var err error
		if instances[i], err = newInstance(context.WithoutCancel(ctx), r, i); err != nil {
			return livingos.Summary{}, err
		}
	}

	// One instance in trouble ends the run: its requests are missing.
	working, stop := context.WithCancel(ctx)
	defer stop()
	errs := make([]error, len(instances))
	var wg sync.WaitGroup
	for i, in := range instances {
		wg.Go(func() {
			if errs[i] = in.work(working, i); errs[i] != nil {
				stop()
			}
			errs[i] = errors.Join(errs[i], in.shutdown(context.WithoutCancel(ctx)))
		})
	}
	wg.Wait()

	out := r.tally.Summary()
	out.Seed, out.Senders, out.Endpoint = s.Seed, s.Senders, o.Endpoint
	out.Seconds = time.Since(r.start).Seconds()
	out.Unacknowledged = r.summary.Unacknowledged
	for _, err := range errs {
		if err != nil {
			out.Errors = append(out.Errors, err.Error())
		}
	}
	return out, errors.Join(errs...)
}

// work sends the instance's share of the requests, and the first instance the
// incidents.
func (in *instance) work(ctx context.Context, number int) error {
	// An interrupt ends the work, not an export that is under way.
	exporting := context.WithoutCancel(ctx)
	r := in.run
	total := r.settings.Total()
	var planned time.Duration
	incidents := func(until time.Duration) error {
		if number != 0 {
			return nil
		}
		for _, e := range r.world.Incidents(planned, until) {
			if goOn, err := in.waitUntil(ctx, exporting, e.At); err != nil || !goOn {
				return err
			}
			now := time.Now()
			in.log(context.Background(), e, now.Add(-e.At), now)
		}
		planned = until
		return nil
	}

	for i := number; total == 0 || i < total; i += r.settings.Senders {
		due := r.settings.Due(i)
		if err := incidents(due); err != nil {
			return err
		}
		if goOn, err := in.waitUntil(ctx, exporting, due); err != nil {
			return err
		} else if !goOn {
			break
		}
		in.emit(r.world.Request(i, due), time.Now())
		if len(in.batch.spans) >= fullBatch {
			if err := in.flush(exporting, false); err != nil {
				return err
			}
		}
	}
	if ctx.Err() == nil {
		// The end itself belongs to the run: a breaker may close there.
		if err := incidents(r.settings.End() + 1); err != nil {
			return err
		}
	}
	return in.flush(exporting, true)
}

// waitUntil waits for the planned time; an instance that has time to wait sends
// what it has first. It reports whether to go on.
func (in *instance) waitUntil(ctx, exporting context.Context, planned time.Duration) (bool, error) {
	if ctx.Err() != nil {
		return false, nil
	}
	if time.Until(in.run.start.Add(planned)) <= 0 {
		return true, nil
	}
	if err := in.flush(exporting, false); err != nil {
		return false, err
	}
	timer := time.NewTimer(time.Until(in.run.start.Add(planned)))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false, nil
	case <-timer.C:
		return true, nil
	}
}

// delivered counts n exported items: as delivered, or as unacknowledged when the
// export failed.
func (r *run) delivered(what string, n int, err error, count func(*livingos.Tally)) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil {
		count(r.tally)
		return nil
	}
	u := &r.summary.Unacknowledged
	switch what {
	case "spans":
		u.Spans += n
	case "logs":
		u.Logs += n
	default:
		u.DataPoints += n
	}
	return fmt.Errorf("%d %s not acknowledged: %w", n, what, err)
}
