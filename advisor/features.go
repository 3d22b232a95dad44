package advisor

// Features are the flat, dimensioned facts from which a policy decides; each has a
// unit in its name or its comment. A fact that was not measured is NaN and is
// reported as absent; a rule that reads one does not match.
type Features map[string]float64
