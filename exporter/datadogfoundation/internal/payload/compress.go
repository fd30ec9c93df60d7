package payload

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
)

// Compressor compresses whole bodies.
type Compressor struct {
	// Encoding is the value of the header Content-Encoding, "" for none.
	Encoding string
	// Append appends the compressed src to dst. Safe for concurrent use.
	Append func(dst, src []byte) []byte
}

// NewCompressor returns the compressor of a name: zstd, gzip, deflate (the zlib
// format, as HTTP means it) or none. Level 0 is the default:
// the fastest for zstd, the library's for the others.
func NewCompressor(name string, level int) (Compressor, error) {
	switch name {
	case "", "none":
		return Compressor{Append: func(dst, src []byte) []byte { return append(dst, src...) }}, nil
	case "zstd":
		// The fastest, like Datadog's agent: series are so repetitive that more
		// effort buys little.
		speed := zstd.SpeedFastest
		if level != 0 {
			speed = zstd.EncoderLevelFromZstd(level)
		}
		// Concurrency 1 starts no goroutine; EncodeAll may be called from several.
		enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(speed), zstd.WithEncoderConcurrency(1))
		if err != nil {
			return Compressor{}, err
		}
		return Compressor{Encoding: "zstd", Append: func(dst, src []byte) []byte { return enc.EncodeAll(src, dst) }}, nil
	case "gzip":
		return stream("gzip", level, func(w io.Writer, level int) (io.WriteCloser, error) { return gzip.NewWriterLevel(w, level) })
	case "deflate":
		return stream("deflate", level, func(w io.Writer, level int) (io.WriteCloser, error) { return zlib.NewWriterLevel(w, level) })
	}
	return Compressor{}, fmt.Errorf("%q: unknown compression", name)
}

func stream(encoding string, level int, open func(io.Writer, int) (io.WriteCloser, error)) (Compressor, error) {
	if level == 0 {
		level = gzip.DefaultCompression
	}
	if _, err := open(io.Discard, level); err != nil {
		return Compressor{}, err
	}
	return Compressor{Encoding: encoding, Append: func(dst, src []byte) []byte {
		buf := bytes.NewBuffer(dst)
		w, _ := open(buf, level) // the level was tried above; a Buffer does not fail
		_, _ = w.Write(src)
		_ = w.Close()
		return buf.Bytes()
	}}, nil
}
