package detector

import (
	"github.com/foundation-os/otelcol-foundation/internal/record"
	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/verdict"
)

// Arms is what mode adaptive asks beside the rule, one value for each series. A
// suspicion of theirs begins an episode at once, for they know themselves how
// many evaluations it takes. An episode is over when the rule and all arms have
// cleared it.
//
// What Arms remember is of two kinds. What they Learn is made of the baseline,
// anew whenever a pane begins. What they carry from one Judge to the next is
// moved on by Judge, and taken back by Rewind when an older evaluation arrives
// late.
type Arms interface {
	// Learn makes what is known of the past from the values judged in the panes
	// of the baseline, in the order of time of the panes (within a pane of the
	// order of arrival). currents is valid during the call and may be changed.
	// It may be too short to say anything; then Judge suspects nothing.
	Learn(currents []float64)
	// Judge looks at the next evaluation, in the order of time, also while the
	// series is learning, when the answer is of no use. inEpisode is whether the
	// series is in an episode already: cleared matters only then, suspect only
	// otherwise. suspect is of verdict.Robust, Drift, and Below where less is
	// worse.
	Judge(current float64, inEpisode bool) (suspect verdict.Reason, cleared bool)
	// Settle says that a pane is over, and that nothing is suspect now: what was
	// judged since the last Settle is normal, but for what Reset took out of it.
	// Learn follows.
	Settle()
	// Reset says that an episode is over, or that nothing is known of the
	// present. told: it was told because of an arm.
	Reset(told bool)
	// Forget forgets all: there is another baseline, or none.
	Forget()
	// Mark remembers what is carried now, and Rewind goes back to it, any number
	// of times.
	Mark()
	Rewind()
	// Append appends all that is needed to go on from the last Mark, what was
	// learned too, and Read reads it; Rewind follows.
	Append(b []byte) []byte
	Read(r *record.Reader)
}
