// Package enginetest holds what tests need in place of libtorch.
//
//  1. A Script says how training goes: losses by method, rate and step, seconds a
//     step, when memory runs out, when a trial diverges, when the engine fails.
//  2. New makes an Engine of it that keeps the contract of calibrate.Engine to the
//     letter: it reads and writes checkpoints, heeds deadlines and contexts, and
//     refuses to go on from a checkpoint that is not the one it is told it is.
//  3. Conformance is that contract as a test suite, for every engine there is: the
//     scripted one, a child process, libtorch.
//
// Scripted time passes only on a Clock, so tests of budgets take no time.
package enginetest
