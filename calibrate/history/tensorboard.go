package history

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"strings"

	"ftadvise/calibrate/evidence"
)

// parseEvents reads a TensorBoard event file: TFRecords (length, its masked CRC-32C,
// payload, its masked CRC-32C), each one an Event message with scalars. A record cut
// short at the end is what a running writer leaves, and is told as a warning; a
// checksum that does not hold is damage, and refused.
func parseEvents(path string, data []byte) ([]Record, []evidence.Warning, error) {
	var rows []row
	var warnings []evidence.Warning
	for at := 0; at < len(data); {
		payload, size, err := nextRecord(data[at:])
		if errors.Is(err, errCut) {
			warnings = append(warnings, evidence.Warning{Code: "cut-log", Text: path + ": the last record is cut off and was left out."})
			break
		}
		if err != nil {
			return nil, nil, &Error{fmt.Sprintf("%s: byte %d", path, at), "is no TensorBoard event record", "give the file as it was written", err}
		}
		step, scalars, err := event(payload)
		if err != nil {
			return nil, nil, &Error{fmt.Sprintf("%s: byte %d", path, at), "holds a broken event", "give the file as it was written", err}
		}
		if len(scalars) > 0 {
			scalars["step"] = float64(step)
			rows = append(rows, row{values: scalars})
		}
		at += size
	}
	if len(rows) == 0 {
		return nil, nil, &Error{Where: path, What: "holds no scalars", Advice: "give the event file of a run that logged its loss"}
	}
	record, err := recordOf(path, "", rows)
	return []Record{record}, warnings, err
}

// errCut says that a record goes on beyond the end of the file.
var errCut = errors.New("cut off")

func nextRecord(data []byte) (payload []byte, size int, err error) {
	const head, tail = 12, 4
	if len(data) < head {
		return nil, 0, errCut
	}
	length := binary.LittleEndian.Uint64(data)
	if masked(data[:8]) != binary.LittleEndian.Uint32(data[8:]) {
		return nil, 0, fmt.Errorf("the checksum of a record's length does not hold")
	}
	if length > uint64(len(data)-head) || int(length)+tail > len(data)-head {
		return nil, 0, errCut
	}
	payload = data[head : head+int(length)]
	if masked(payload) != binary.LittleEndian.Uint32(data[head+int(length):]) {
		return nil, 0, fmt.Errorf("the checksum of a record does not hold")
	}
	return payload, head + int(length) + tail, nil
}

// masked is TFRecord's CRC-32C, rotated and shifted so that a record that holds
// another's checksum does not check by accident.
func masked(data []byte) uint32 {
	sum := crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli))
	return (sum>>15 | sum<<17) + 0xa282ead8
}

// Field numbers of tensorflow/core/util/event.proto and summary.proto.
const (
	eventStep, eventSummary                = 2, 5
	summaryValue                           = 1
	valueTag, valueSimple, valueTensor     = 1, 2, 8
	tensorContent, tensorFloat, tensorReal = 4, 5, 6
)

// event reads the step and the scalars of an Event message.
func event(data []byte) (step int64, scalars map[string]float64, err error) {
	scalars = map[string]float64{}
	err = eachField(data, func(f field) error {
		switch f.number {
		case eventStep:
			step = int64(f.varint)
		case eventSummary:
			return eachField(f.bytes, func(f field) error {
				if f.number != summaryValue {
					return nil
				}
				tag, value, ok, err := scalar(f.bytes)
				if ok {
					scalars[strings.ToLower(tag)] = value
				}
				return err
			})
		}
		return nil
	})
	return step, scalars, err
}

// scalar reads a Summary.Value: simple_value as old writers have it, or a tensor of
// one float as new ones do.
func scalar(data []byte) (tag string, value float64, ok bool, err error) {
	err = eachField(data, func(f field) error {
		switch f.number {
		case valueTag:
			tag = string(f.bytes)
		case valueSimple:
			value, ok = float64(math.Float32frombits(f.fixed32)), f.wire == wireFixed32
		case valueTensor:
			return eachField(f.bytes, func(f field) error {
				if v, has := f.tensorValue(); has {
					value, ok = v, true
				}
				return nil
			})
		}
		return nil
	})
	return tag, value, ok && tag != "", err
}

// tensorValue is the one number of a scalar tensor's field.
func (f field) tensorValue() (float64, bool) {
	switch {
	case (f.number == tensorContent || f.number == tensorFloat) && len(f.bytes) == 4:
		return float64(math.Float32frombits(binary.LittleEndian.Uint32(f.bytes))), true
	case f.number == tensorFloat && f.wire == wireFixed32:
		return float64(math.Float32frombits(f.fixed32)), true
	case (f.number == tensorContent || f.number == tensorReal) && len(f.bytes) == 8:
		return math.Float64frombits(binary.LittleEndian.Uint64(f.bytes)), true
	}
	return 0, false
}
