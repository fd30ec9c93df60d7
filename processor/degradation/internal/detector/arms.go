package detector

import (
	"github.com/foundation-os/otelcol-foundation/internal/record"
	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/verdict"
)

// Arms is what mode adaptive asks beside the rule, one value for each series. An
// evaluation is suspect if the rule or an arm says so, and cleared if the rule
// and all arms do.
//
// What Arms remember is of two kinds. What they Learn is made of the baseline,
// anew whenever a pane begins, so that what an episode touched is never in it,
// what turned out to be normal is, and a new baseline replaces all of it. What
// they carry from one Judge to the next (a sum of deviations) is moved on by
// Judge, and taken back by Rewind when an older evaluation arrives late.
type Arms interface {
	// Learn makes what is known of the past from the values judged in the panes
	// of the baseline, in the order of time of the panes (within a pane of the
	// order of arrival). currents is valid during the call and may be changed.
	// It may be too short to say anything; then Judge suspects nothing.
	Learn(currents []float64)
	// Judge looks at the next evaluation, in the order of time. inEpisode is
	// whether the series is in an episode already: cleared matters only then,
	// suspect only otherwise. suspect is of verdict.Robust, Drift, and Below
	// where less is worse.
	Judge(current float64, inEpisode bool) (suspect verdict.Reason, cleared bool)
	// Reset forgets what is carried, not what was learned: an episode is over,
	// or the baseline is another.
	Reset()
	// Mark remembers what is carried now, and Rewind goes back to it, any number
	// of times.
	Mark()
	Rewind()
	// Append appends all that is needed to go on from the last Mark, what was
	// learned too, and Read reads it; Rewind follows.
	Append(b []byte) []byte
	Read(r *record.Reader)
}
