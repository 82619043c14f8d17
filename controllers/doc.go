// Package controllers is the thin shell around the pure core: it watches, reads caches, runs a pass as a declared list
// of steps, and writes. What shall be is decided in internal/build, what to do about it in internal/plan, what to say of
// it in internal/status.
package controllers
