// Package evidence holds what a calibration found out: the file where calibrate
// and advisor meet.
//
//  1. calibrate writes a Run while it trains: what was set up (Setup), on what
//     machine (Environment), on what data (Data), and what became of each Trial
//     (Outcome with its Measurements).
//  2. When the trials are over, calibrate adds what follows from them: Forecasts
//     at the horizon and the Domain's narrowness.
//  3. advisor, reports and metrics read the Run and nothing else; they need no
//     GPU, no model and no dataset.
//
// A Run is one versioned JSON file. Losses are nats per predicted token, memory is
// in bytes, time in seconds, learning rates are absolute. The package imports only
// the standard library, so that whatever reads a Run links nothing else.
package evidence
