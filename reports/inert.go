package reports

import (
	"net/url"
	"reflect"
	"slices"

	"ftadvise/advisor"
	"ftadvise/calibrate/evidence"
	"ftadvise/reports/inert"
)

// Longest text that is shown of a name or sentence, and of a data sample, in bytes.
const (
	lineLimit   = 600
	sampleLimit = 1500
	sampleCount = 6
)

// inertRun copies a run without control characters, without values that are no
// numbers and with no more samples than a reader would look at.
func inertRun(run *evidence.Run) *evidence.Run {
	samples := run.Data.Samples[:min(len(run.Data.Samples), sampleCount)]
	shown := make([]evidence.Sample, len(samples))
	for i, s := range samples {
		shown[i] = evidence.Sample{Prompt: inert.Text(s.Prompt, sampleLimit), Completion: inert.Text(s.Completion, sampleLimit)}
	}
	out := rewritten(*run, oneLine)
	out.Data.Samples = shown
	return &out
}

func inertAdvice(rec *advisor.Recommendation) *advisor.Recommendation {
	if rec == nil {
		return nil
	}
	out := rewritten(*rec, oneLine)
	return &out
}

func oneLine(s string) string { return inert.Line(s, lineLimit) }

// rewritten copies a value deeply, each string passed through change. Points, map
// entries and pointers whose number is not finite are left out.
func rewritten[T any](v T, change func(string) string) T {
	out := reflect.New(reflect.TypeFor[T]()).Elem()
	rewrite(out, reflect.ValueOf(v), change)
	return out.Interface().(T)
}

func rewrite(dst, src reflect.Value, change func(string) string) {
	// Points are by far the most of a run, and reflection is slow on each of them.
	if points, ok := src.Interface().([]evidence.Point); ok {
		dst.Set(reflect.ValueOf(finitePoints(points)))
		return
	}
	switch src.Kind() {
	case reflect.String:
		dst.SetString(change(src.String()))
	case reflect.Struct:
		rewriteStruct(dst, src, change)
	case reflect.Slice:
		rewriteSlice(dst, src, change)
	case reflect.Map:
		rewriteMap(dst, src, change)
	case reflect.Pointer:
		if !src.IsNil() && sound(src.Elem()) {
			dst.Set(reflect.New(src.Type().Elem()))
			rewrite(dst.Elem(), src.Elem(), change)
		}
	default:
		dst.Set(src)
	}
}

func rewriteStruct(dst, src reflect.Value, change func(string) string) {
	dst.Set(src) // time.Time and the like keep their hidden fields
	for i := range src.NumField() {
		if src.Type().Field(i).IsExported() {
			rewrite(dst.Field(i), src.Field(i), change)
		}
	}
}

func rewriteSlice(dst, src reflect.Value, change func(string) string) {
	// No slice is null in JSON: what is empty is [] or left out.
	out := reflect.MakeSlice(src.Type(), 0, src.Len())
	for i := range src.Len() {
		if !sound(src.Index(i)) {
			continue
		}
		item := reflect.New(src.Type().Elem()).Elem()
		rewrite(item, src.Index(i), change)
		out = reflect.Append(out, item)
	}
	dst.Set(out)
}

func rewriteMap(dst, src reflect.Value, change func(string) string) {
	out := reflect.MakeMapWithSize(src.Type(), src.Len())
	for it := src.MapRange(); it.Next(); {
		if !sound(it.Value()) {
			continue
		}
		key, item := reflect.New(src.Type().Key()).Elem(), reflect.New(src.Type().Elem()).Elem()
		rewrite(key, it.Key(), change)
		rewrite(item, it.Value(), change)
		out.SetMapIndex(key, item)
	}
	dst.Set(out)
}

// sound reports whether a value can be written as JSON.
func sound(v reflect.Value) bool { return v.Kind() != reflect.Float64 || !bad(v.Float()) }

func finitePoints(points []evidence.Point) []evidence.Point {
	return slices.DeleteFunc(slices.Clone(points), func(p evidence.Point) bool { return bad(p.Loss) })
}

// dashboardLink points a dashboard at one run; anything but http is refused.
func dashboardLink(base, run string) string {
	u, err := url.Parse(base)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") {
		return ""
	}
	q := u.Query()
	q.Set("var-run", run)
	u.RawQuery = q.Encode()
	return u.String()
}
