// Package strictclient reads the configuration of an exporter that squashes
// confighttp's client into its own, and refuses unknown keys. It knows confmap
// and confighttp by nature.
package strictclient
