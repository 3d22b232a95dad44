package forecast

func widening(reach float64) float64 { return 1 }

func wideningPaired(reach float64) float64 { return 1 }
