// Package advisor turns evidence and stakes into a recommendation.
//
//  1. An evidence.Run comes in, with its forecasts, and the user's Stakes: what a
//     nat, an error, a GPU hour and a month are worth, and what is forbidden.
//  2. Features are derived: flat facts with units, the whole vocabulary of a policy.
//  3. Each Option is priced, as distributions: training, serving, re-training when
//     the base model changes, loss of accuracy, forgetting.
//  4. A Decider (a policy) gives its Verdict from the features.
//  5. A Recommendation goes out: verdict, probability, regret, what would flip it,
//     what was assumed, what to do next.
//
// advisor never opens a model or a dataset and never imports calibrate: all that it
// knows was measured before and stands in the evidence.
package advisor
