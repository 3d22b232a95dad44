// Package template renders the chat templates that models ship: Jinja, as far as
// such templates use it, with the answers of Python's jinja2 under the settings of
// transformers (trim_blocks, lstrip_blocks, loop controls, a generation tag).
//
//  1. Parse reads a template once; what is not known (a filter, a statement such as
//     include) is refused by name and line.
//  2. Render fills it with values: nil, bool, int64, float64, string, *List, *Dict,
//     which FromJSON makes of JSON with the order of the keys kept.
//  3. Out come the text and the spans that lie in {% generation %}.
//
// A template comes from strangers. It can only read the values given and call the
// functions listed here: no attribute of a Go or Python object can be reached, no
// file, no other template. Steps, output and depth are bounded. raise_exception is
// the template's own message to the user and comes back as a *Raised.
//
// The library gonja was tried and dropped: of a list of one element it gives no
// element -1, it cannot parse a conditional in brackets or a tuple on the left of
// set, .get on a written-out dictionary gives the default, a division by zero
// panics, and neither the steps nor the recursion of macros can be bounded.
package template
