// Package metrics shows calibrations and recommendations to Prometheus. It is the
// only importer of client_golang.
//
//  1. An Exporter hears of a calibration as calibrate's Observer (Planned, Happened)
//     and of its advice (Publish); stored runs come in by PublishRun, what became of
//     past advice by PublishAudit, GPU sensors by WatchGPU.
//  2. Handler and Serve answer scrapes, at most forty at a time, on loopback unless
//     told otherwise, with TLS and basic auth where a web configuration file says so.
//  3. A run that is over before a scrape comes leaves by WriteTextfile (node_exporter),
//     Push (Pushgateway) or WriteOpenMetrics (back-fill, one sample an optimizer step).
//
// Names begin with ftadvise_ and end in a base unit; docs/metrics.md lists them and a
// test holds the list equal. Only the newest runs, and of each the newest trials, carry
// labels; what is left out is counted in ftadvise_series_dropped_total. Metrics are a
// view: nothing is ever read back from them.
package metrics
