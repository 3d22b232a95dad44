// Package distribution reads texts from a Go distribution: comments as prose, and
// assembly without them. A package belongs to the corpus that bases are trained on, to
// what is near it, or to the general text, by its path's hash, so that one Go release
// always gives the same texts.
package distribution
