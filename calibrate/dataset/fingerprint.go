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
	c, err := glance(ctx, o)
	if err == nil && o.Validation != "" {
		c.held, err = glance(ctx, o.validation())
	}
	if err != nil {
		return "", err
	}
	return findings{collected: c}.fingerprint(), nil
}

// glance hashes the files and settles how they are read.
func glance(ctx context.Context, o Options) (*collected, error) {
	sources, err := find(o)
	if err != nil {
		return nil, err
	}
	c := &collected{o: o, glance: true}
	for _, src := range sources {
		if err := c.source(ctx, src); err != nil {
			return nil, err
		}
	}
	if c.shaper == nil {
		return nil, refuse(o.Path, "no records", "give a file with data in it")
	}
	return c, nil
}
