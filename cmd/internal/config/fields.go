package config

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// field is one setting's place in a Config.
type field struct {
	path  string
	value reflect.Value
}

// fields lists the settings of a Config in the order of its declaration.
func fields(c *Config) []field { return walk("", reflect.ValueOf(c).Elem()) }

func walk(prefix string, v reflect.Value) []field {
	var out []field
	for i := range v.NumField() {
		path := prefix + v.Type().Field(i).Tag.Get("yaml")
		if f := v.Field(i); f.Kind() == reflect.Struct {
			out = append(out, walk(path+".", f)...)
		} else {
			out = append(out, field{path, f})
		}
	}
	return out
}

// check says what is wrong with a text given for a setting, or nothing.
func (f field) check(text string) error {
	var err error
	switch f.value.Interface().(type) {
	case time.Duration:
		_, err = time.ParseDuration(text)
	case bool:
		_, err = strconv.ParseBool(text)
	case int, int64:
		_, err = strconv.ParseInt(text, 10, 64)
	case float64:
		_, err = strconv.ParseFloat(text, 64)
	case []int:
		err = eachItem(text, func(s string) error { _, e := strconv.Atoi(s); return e })
	}
	if err != nil {
		return fmt.Errorf("%q is not %s", text, f.kind())
	}
	return nil
}

func eachItem(text string, check func(string) error) error {
	if text == "" {
		return nil
	}
	for item := range strings.SplitSeq(text, ",") {
		if err := check(strings.TrimSpace(item)); err != nil {
			return err
		}
	}
	return nil
}

// kind names the type of a setting for people.
func (f field) kind() string {
	switch f.value.Interface().(type) {
	case time.Duration:
		return "a duration such as 90s or 5m"
	case bool:
		return "true or false"
	case int, int64:
		return "a whole number"
	case float64:
		return "a number"
	case []int:
		return "a list of whole numbers"
	case []string:
		return "a list of texts"
	}
	return "a text"
}

// list reports whether a setting holds several values.
func (f field) list() bool { return f.value.Kind() == reflect.Slice }

// plain is the value as one writes it in a file.
func (f field) plain() string {
	switch v := f.value.Interface().(type) {
	case time.Duration:
		return compact(v)
	case []string:
		return "[" + strings.Join(v, ", ") + "]"
	case []int:
		return strings.ReplaceAll(fmt.Sprint(v), " ", ", ")
	case string:
		if v == "" {
			return `""`
		}
		return v
	}
	return fmt.Sprint(f.value.Interface())
}

// compact prints a duration without the zero parts that time.Duration keeps: 5m, not
// 5m0s.
func compact(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
