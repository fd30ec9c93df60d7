// Package record frames bytes that are kept across restarts, so that what comes
// back can be trusted, and reads them so that whatever comes back does no harm:
// a Reader never runs over the end, and never has more elements to allocate
// than the bytes left could hold.
//
// Numbers are written as Go's encoding/binary varints, which its
// AppendUvarint and AppendVarint do; floating point as its eight bytes, little
// endian, so that what is read equals what was written, bit for bit.
package record
