package rules

import (
	"encoding/binary"
	"encoding/hex"
	"time"

	"github.com/cespare/xxhash/v2"
)

// EpisodeID hashes an alert's id and the start of one of its episodes, so that
// replicas that evaluate at the same times name the episode alike.
func EpisodeID(alertID string, start time.Time) string {
	b := binary.BigEndian.AppendUint64([]byte(alertID), uint64(start.UnixNano()))
	return id(xxhash.Sum64(b))
}

func id(h uint64) string {
	return hex.EncodeToString(binary.BigEndian.AppendUint64(nil, h))
}
