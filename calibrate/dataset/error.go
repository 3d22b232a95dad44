package dataset

import (
	"errors"
	"fmt"
)

// Error is data that cannot be used: where, what is wrong, what to do.
type Error struct {
	Where  string // file:line, or the file
	What   string
	Advice string
}

func (e *Error) Error() string {
	if e.Where == "" {
		return e.What
	}
	return e.Where + ": " + e.What
}

// Hint says what to do about it.
func (e *Error) Hint() string { return e.Advice }

func refuse(where, what, advice string) *Error {
	return &Error{Where: where, What: what, Advice: advice}
}

// place is where a record came from.
type place struct {
	file string
	unit string // line, row, element
	n    int64  // counted from 1
}

func (p place) String() string {
	if p.n == 0 {
		return p.file
	}
	if p.unit == "line" {
		return fmt.Sprintf("%s:%d", p.file, p.n)
	}
	return fmt.Sprintf("%s: %s %d", p.file, p.unit, p.n)
}

// badRecord is an error that concerns one record alone, so that the others may
// still be read.
type badRecord struct{ cause *Error }

func (b badRecord) Error() string { return b.cause.Error() }
func (b badRecord) Unwrap() error { return b.cause }

func bad(at place, what, advice string) error {
	return badRecord{&Error{Where: at.String(), What: what, Advice: advice}}
}

func isBadRecord(err error) bool {
	var b badRecord
	return errors.As(err, &b)
}
