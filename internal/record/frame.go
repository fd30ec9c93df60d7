package record

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cespare/xxhash/v2"
)

// Why a record is not taken.
var (
	// ErrCorrupt: it is not what was written.
	ErrCorrupt = errors.New("corrupt")
	// ErrVersion: it was written by a program whose layout is another one.
	ErrVersion = errors.New("of another version")
	// ErrConfiguration: it was written under a configuration, or for a place, to
	// which what it says means nothing.
	ErrConfiguration = errors.New("of another configuration")
)

const magic = "fosr"

// headerSize: magic (4 bytes), version (4), the caller's fingerprint of what it
// belongs to (8), length of the payload (8), xxhash64 of all of it without itself (8).
const (
	headerSize  = 32
	versionAt   = 4
	configAt    = 8
	lengthAt    = 16
	checksumAt  = 24
	checksummed = checksumAt // so much of the header
)

// Begin starts a record of about the given size; the payload is to be appended.
func Begin(version uint32, fingerprint uint64, size int) []byte {
	b := make([]byte, headerSize, headerSize+size)
	copy(b, magic)
	binary.LittleEndian.PutUint32(b[versionAt:], version)
	binary.LittleEndian.PutUint64(b[configAt:], fingerprint)
	return b
}

// Seal completes what Begin began.
func Seal(b []byte) {
	binary.LittleEndian.PutUint64(b[lengthAt:], uint64(len(b)-headerSize))
	binary.LittleEndian.PutUint64(b[checksumAt:], checksum(b))
}

// Open returns the payload of a sealed record, or one of this package's errors
// with what is wrong.
func Open(b []byte, version uint32, fingerprint uint64) ([]byte, error) {
	switch {
	case len(b) < headerSize:
		return nil, fmt.Errorf("%w: %d bytes are less than a header", ErrCorrupt, len(b))
	case string(b[:len(magic)]) != magic:
		return nil, fmt.Errorf("%w: it does not begin as a record does", ErrCorrupt)
	}
	// First, since the rest of the header is of the version.
	if v := binary.LittleEndian.Uint32(b[versionAt:]); v != version {
		return nil, fmt.Errorf("%w: %d, this program writes and reads %d", ErrVersion, v, version)
	}
	switch length := binary.LittleEndian.Uint64(b[lengthAt:]); {
	case length != uint64(len(b)-headerSize):
		return nil, fmt.Errorf("%w: %d bytes of %d", ErrCorrupt, len(b)-headerSize, length)
	case binary.LittleEndian.Uint64(b[checksumAt:]) != checksum(b):
		return nil, fmt.Errorf("%w: its checksum is another one", ErrCorrupt)
	case binary.LittleEndian.Uint64(b[configAt:]) != fingerprint:
		return nil, ErrConfiguration
	}
	return b[headerSize:], nil
}

func checksum(b []byte) uint64 {
	d := xxhash.New()
	_, _ = d.Write(b[:checksummed])
	_, _ = d.Write(b[headerSize:])
	return d.Sum64()
}
