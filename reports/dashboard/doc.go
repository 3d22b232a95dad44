// Package dashboard makes the Grafana dashboard and all that Prometheus and Grafana
// need to show it. It is the only importer of Grafana's foundation SDK.
//
//  1. The panels are data here: a title, a unit and queries over the names that
//     reports/metrics exports.
//  2. Write turns them into dashboard JSON and puts it beside provisioning files, a
//     scrape configuration, recording and alerting rules and a compose file.
//  3. A folder goes out that starts with docker compose up, or whose parts are taken
//     into a Prometheus and a Grafana that are there already.
package dashboard
