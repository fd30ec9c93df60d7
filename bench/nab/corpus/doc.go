// Package corpus reads the files of the Numenta Anomaly Benchmark: a folder of
// categories with a CSV of each series (timestamp, value), and the JSON files of
// anomaly windows and of scoring profiles. It reads files by nature.
package corpus
