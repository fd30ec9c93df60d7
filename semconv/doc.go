// Package semconv holds the names of Foundation OS: its layers, attributes, events
// and metrics, as constants and as tables.
//
// The tables are what components run on. A processor that reads request ids asks
// [Attributes] for the aliases and their precedence; the connector that makes the
// metrics walks [Metrics]. The source of all of it is model/*.yaml; the files named
// *_gen.go and the tables of README.md are written from there by
// internal/tools/semconvgen.
//
// The package imports the standard library only and holds no behaviour beyond
// looking a name up.
package semconv

//go:generate go -C ../internal/tools run ./semconvgen -model ../../semconv/model -out ../../semconv
