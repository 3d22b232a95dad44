package store

import (
	"errors"
	"fmt"
	"io/fs"
)

// What a caller may branch on, by errors.Is.
var (
	ErrNotFound = errors.New("no such run")
	ErrBusy     = errors.New("the run is in use by another ftadvise")
	ErrDamaged  = errors.New("the run is damaged")
)

// Error reports what the store could not do and where.
type Error struct {
	Where  string // folder or file
	What   string
	Advice string // what to do about it
	Err    error
}

// Error implements error.
func (e *Error) Error() string { return e.Where + ": " + e.What }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Hint says what to do about it.
func (e *Error) Hint() string { return e.Advice }

// cannot words a failure of the file system.
func cannot(verb, path string, err error) error {
	e := &Error{Where: path, What: fmt.Sprintf("cannot %s: %v", verb, cause(err)), Err: err}
	if errors.Is(err, fs.ErrPermission) || isReadOnly(err) {
		e.Advice = "choose a folder that you may write with --store"
	}
	return e
}

// cause strips the path that the error repeats.
func cause(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}
