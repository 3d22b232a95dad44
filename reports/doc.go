// Package reports shows a calibration and its recommendation to people.
//
//  1. An evidence.Run and, where there is advice, an advisor.Recommendation come in.
//  2. Both are copied and made inert: no control characters, nothing that is not a
//     number, and, if asked, no samples, names of files or hosts.
//  3. New builds one View: the front page's answer, then sections of figures, tables,
//     facts and commands. What the evidence lacks becomes a section that says why.
//  4. HTML, Markdown, JSON and Summary print the same View and decide nothing; PDF is
//     the HTML printed by Chromium. Compare puts several runs side by side.
//
// The HTML is one file without scripts: its pictures are SVG, its policy forbids every
// request, each figure has its numbers in a table underneath. It is the only importer
// of html/template.
package reports
