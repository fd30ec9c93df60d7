// Command semconvgen writes the Go tables and the README tables of package semconv
// from its model.
//
//	go run ./semconvgen -model ../../semconv/model -out ../../semconv
//
// The same model gives the same bytes. A model that contradicts itself (a metric that
// reads an attribute that does not exist, two constants of one name, an unknown key)
// is refused and nothing is written.
package main
