// Package httpreply reads what a server says when it does not take a request.
package httpreply
