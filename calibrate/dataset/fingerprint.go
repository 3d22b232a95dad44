package dataset

import "context"

// Fingerprint is the Data.Fingerprint that Pack would give, without tokenising: the
// bytes are only hashed, so that a stored run about the same data is found at once.
// Standard input is used up by it.
func Fingerprint(ctx context.Context, o Options) (string, error) {
	if err := checkNames(o); err != nil {
		return "", err
	}
	if o.MaxRecordBytes <= 0 {
		o.MaxRecordBytes = defaultRecordBytes
	}
	sources, err := find(o)
	if err != nil {
		return "", err
	}
	c := &collected{o: o, glance: true}
	for _, src := range sources {
		if err := c.source(ctx, src); err != nil {
			return "", err
		}
	}
	if c.shaper == nil {
		return "", refuse(o.Path, "no records", "give a file with data in it")
	}
	return findings{collected: c}.fingerprint(), nil
}
