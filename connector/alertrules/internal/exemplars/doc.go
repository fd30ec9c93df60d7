// Package exemplars remembers a few exemplars of each metric series that rules
// look at, so that an alert can name a trace that shows what it is about. Values
// in, values out; time is an argument.
package exemplars
