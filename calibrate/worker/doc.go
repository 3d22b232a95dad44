// Package worker runs a calibrate.Engine in a process of its own and speaks with it
// by JSON Lines, so that whatever libtorch does, the parent lives.
//
//  1. Start gives the parent an Engine that knows the program's path. The first
//     call starts the child in its own process group and waits for its Hello.
//  2. Train writes one Train request to the child's stdin and reads events from its
//     stdout until Finished or Failure. When the context ends it sends Stop: the
//     child finishes the step, saves and answers.
//  3. Serve is the other side: it reads requests, drives the real engine, writes
//     events and, from a goroutine of its own, a Heartbeat every two seconds.
//  4. A child that dies, hangs or writes anything but the protocol becomes a
//     *calibrate.EngineError with the last lines of its stderr; the next call starts
//     a fresh child.
//
// Every line is a JSON object with a "type", at most MaxLine bytes long. Nothing in
// it assumes one machine beyond the paths in a Group; docs/protocol.md shows each
// message. The child leaves within seconds when its stdin closes, so that a parent
// that was killed leaves no process behind.
package worker
