// Package advisor turns evidence and stakes into a recommendation.
//
//  1. An evidence.Run comes in, with its forecasts, and the user's Stakes: what a
//     nat, an error, a GPU hour and a month are worth, and what is forbidden.
//  2. Features are derived: flat facts with units, the whole vocabulary of a policy.
//  3. Each Option is priced, as distributions: training, serving, re-training when
//     the base model changes, loss of accuracy, forgetting.
//  4. A Decider (a policy) gives its Verdict from the features.
//  5. A Recommendation goes out: verdict, probability, regret, what would flip it,
//     what was assumed, what to do next. Explain tells it in the order in which a
//     reviewer asks; Diff compares two.
//
// The files follow that way: arm, gap and findings read the evidence; prices, stakes,
// value, serving, target and bill put money on it; account compares; guard says where
// no policy may be asked; features are what one is asked with; vary and more look at
// what else might be; explain, basis, assume and diff are words.
//
// advisor never opens a model or a dataset and never imports calibrate: all that it
// knows was measured before and stands in the evidence.
package advisor
