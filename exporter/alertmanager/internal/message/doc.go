// Package message makes Alertmanager's messages (POST /api/v2/alerts) of what an
// alert event says: names that Alertmanager accepts, times that mean the same
// there, and bodies of a bounded size.
package message
