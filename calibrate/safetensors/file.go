package safetensors

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"

	"github.com/edsrzf/mmap-go"
)

// lengthBytes is the size of the header's length before it.
const lengthBytes = 8

// File is an open safetensors file. Its methods may be called from many goroutines,
// Close from one when no other uses the tensors' bytes any more.
type File struct {
	name   string
	data   mmap.MMap // the whole file
	start  int64     // of the tensors' data
	header *header
	byName map[string]int
}

// Open maps the file called name in root and checks its header. Whatever is no
// well-formed safetensors file comes back as an *InputError that names the file.
func Open(root *os.Root, name string) (*File, error) {
	info, err := root.Stat(name)
	if err != nil {
		return nil, notReadable(name, err)
	}
	if !info.Mode().IsRegular() { // a fifo would block in open
		return nil, &InputError{Where: name, What: "is no regular file", Advice: "give the model's own files, no pipe, device or folder"}
	}
	file, err := root.Open(name)
	if err != nil {
		return nil, notReadable(name, err)
	}
	defer file.Close()
	return mapFile(file, name, info.Size())
}

func notReadable(name string, err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return &InputError{Where: name, What: "no such file", Advice: "complete the model's folder"}
	}
	return &InputError{Where: name, What: fmt.Sprintf("cannot be read: %v", cause(err)), Advice: "the file must lie inside the model's folder and be readable"}
}

// cause drops operation and path from an error of package os, since Where names it.
func cause(err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

func mapFile(file *os.File, name string, size int64) (*File, error) {
	if size < lengthBytes {
		return nil, tooShort(name, size)
	}
	data, err := mmap.Map(file, mmap.RDONLY, 0)
	if err != nil {
		return nil, fmt.Errorf("map %s: %w", name, err)
	}
	f := &File{name: name, data: data}
	if err := f.readHeader(); err != nil {
		return nil, errors.Join(err, data.Unmap())
	}
	return f, nil
}

func tooShort(name string, size int64) error {
	return &InputError{Where: name, What: fmt.Sprintf("is no safetensors file: %d bytes long", size), Advice: adviceDownload}
}

func (f *File) readHeader() error {
	if err := foreign(f.name, f.data); err != nil {
		return err
	}
	length := binary.LittleEndian.Uint64(f.data)
	if length > maxHeaderBytes {
		return &InputError{Where: f.name, What: fmt.Sprintf("header of %d bytes is over the format's limit of %d", length, maxHeaderBytes), Advice: adviceDownload}
	}
	if length == 0 || length > uint64(len(f.data)-lengthBytes) {
		return &InputError{Where: f.name, What: fmt.Sprintf("header of %d bytes in a file of %d", length, len(f.data)), Advice: adviceDownload}
	}
	f.start = lengthBytes + int64(length)
	header, err := parseHeader(f.data[lengthBytes:f.start], int64(len(f.data))-f.start)
	if err != nil {
		return &InputError{Where: f.name, What: err.Error(), Advice: adviceDownload}
	}
	f.header = header
	f.byName = make(map[string]int, len(header.tensors))
	for i, t := range header.tensors {
		f.byName[t.Name] = i
	}
	return nil
}

// Tensors lists the file's tensors, sorted by offset.
func (f *File) Tensors() []Tensor { return f.header.tensors }

// Lookup finds a tensor by name.
func (f *File) Lookup(name string) (Tensor, bool) {
	i, ok := f.byName[name]
	if !ok {
		return Tensor{}, false
	}
	return f.header.tensors[i], true
}

// Bytes returns a tensor's values as they lie in the file. They are valid until
// Close and must not be written to.
func (f *File) Bytes(t Tensor) ([]byte, error) {
	if f.data == nil {
		return nil, fmt.Errorf("%s is closed", f.name)
	}
	begin, end := f.start+t.Offset, f.start+t.Offset+t.Bytes
	if t.Offset < 0 || t.Bytes < 0 || end > int64(len(f.data)) {
		return nil, fmt.Errorf("%s: tensor %q lies outside the file", f.name, t.Name)
	}
	return f.data[begin:end:end], nil
}

// Metadata returns the free text of the header; it may be nil.
func (f *File) Metadata() map[string]string { return f.header.metadata }

// Close ends the mapping; it may be called twice.
func (f *File) Close() error {
	if f.data == nil {
		return nil
	}
	err := f.data.Unmap()
	f.data = nil
	return err
}
