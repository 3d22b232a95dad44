package calibrate

// RunAt is Run under a clock of the test's own.
var RunAt = carryOut
