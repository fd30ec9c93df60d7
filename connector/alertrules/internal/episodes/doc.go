// Package episodes is the state of event rules: which groups are active, since
// when, and when they end for want of news. Values in, values out; time is an
// argument.
package episodes
