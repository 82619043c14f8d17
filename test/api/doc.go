// Package api puts the definitions of this project and of ACK to a real API server: which stacks it takes, with which
// words it refuses the others, and that it takes every object that a stack becomes.
package api
