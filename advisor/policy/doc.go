// Package policy reads policies, the files in which a team writes down how it chooses
// between full fine-tuning and LoRA, and decides by them.
//
//  1. A policy.yaml comes in (a built-in one by name, or a file), with what it extends.
//  2. Its expressions are CEL over advisor.Vocabulary: numbers and truth values only,
//     every number a double, no collections, so that evaluation is linear in the
//     text, and at most 500 operations, so that it is bounded before it begins. A misspelt fact, a wrong type or a contradiction is an error at load,
//     with file, line, column, a caret and the nearest name.
//  3. Decide gets the Features of a run. Constraints rule methods out; then rules are
//     asked in order, and the first that matches and prefers something answers. A
//     method is named only with the confidence that the policy asks for.
//  4. An advisor.Verdict goes out, with the trace of every constraint and rule.
//  5. Test runs the cases of a tests.yaml beside a policy: facts in, answer and rule
//     out, every rule hit.
//
// It is the only importer of CEL.
//
// Note: CEL refuses to mix integers and doubles (`gap * 2` does not check). Literals are
// therefore rewritten as doubles between parsing and checking, which keeps positions
// and costs nothing at run time. CEL's own cost limit was tried and dropped: without
// collections it could never be reached, and counting doubled the time of a decision. Division by zero is an error here, not infinity: a
// policy that divides by a fact that may be zero is undecided, never silently false.
package policy
