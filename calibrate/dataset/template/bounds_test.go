package template

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// TestRefused gives templates that reach for what is not theirs, or never end.
func TestRefused(t *testing.T) {
	for _, c := range []struct{ name, source, want string }{
		{"attribute-escape", "{{ ''.__class__.__mro__[1].__subclasses__() }}", `line 1: the attribute "__class__" is refused`},
		{"item-escape", "{{ ''['__class__'] }}", `the attribute "__class__" is refused`},
		{"escape-by-map", "{{ ['']|map(attribute='__class__')|list }}", `the attribute "__class__" is refused`},
		{"globals-escape", "{{ namespace.__globals__ }}", `the attribute "__globals__" is refused`},
		{"include", "a\n{% include 'x' %}", "line 2: {% include %} is refused"},
		{"import", "{% import 'x' as y %}", "{% import %} is refused"},
		{"from", "{% from 'x' import y %}", "{% from %} is refused"},
		{"extends", "{% extends 'x' %}", "{% extends %} is refused"},
		{"huge-range", "{% for x in range(1000000000000) %}{% endfor %}", "a range of more than 100000 numbers is refused"},
		{"nested-loops", "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}", "more than two million steps"},
		{"macro-for-ever", "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "call themselves without end"},
		{"loop-for-ever", "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}", "call themselves without end"},
		{"caller-for-ever", "{% macro f() %}{% call f() %}{% endcall %}{% endmacro %}{{ f() }}", "call themselves without end"},
		{"huge-text", "{{ 'x' * 999999999999 }}", "more than 16 MiB"},
		{"doubling-text", "{% set ns = namespace(x='ab') %}{% for i in range(99) %}{% set ns.x = ns.x + ns.x %}{% endfor %}", "chat template: it"},
		{"doubling-list", "{% set ns = namespace(x=[1]) %}{% for i in range(99) %}{% set ns.x = ns.x + ns.x %}{% endfor %}", "more than two million steps"},
		{"list-in-lists", "{% set ns = namespace(x=[1]) %}{% for i in range(99) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x }}", "more than 16 MiB"},
		{"lists-in-lists", "{% set ns = namespace(x=[1], y=[1]) %}{% for i in range(99) %}{% set ns.x = [ns.x, ns.x] %}{% set ns.y = [ns.y, ns.y] %}{% endfor %}{{ ns.x == ns.y }}", "more than two million steps"},
		{"order-of-lists", "{% set ns = namespace(x=[1], y=[1]) %}{% for i in range(99) %}{% set ns.x = [ns.x, ns.x] %}{% set ns.y = [ns.y, ns.y] %}{% endfor %}{{ [ns.x, ns.y]|sort|length }}", "more than two million steps"},
		{"letters-of-text", "{% set t = 'x' * 16000000 %}{% for i in range(99999) %}{% if t[i] == 'y' or t[i:i + 1] == 'y' or t is upper or t.find('y') > 0 %}{% endif %}{% endfor %}", "more than two million steps"},
		{"huge-format", "{% set t = 'x' * 9000000 %}{{ '%s%s' % (t, t) }}", "more than 16 MiB"},
		{"huge-json-indent", "{{ [[1]]|tojson(indent='x' * 101) }}", "an indent of 101 bytes"},
		{"far-range", "{% for x in range(-9223372036854775807, 9223372036854775807, 2) %}{% endfor %}", "a range of more than 100000 numbers is refused"},
		{"huge-output", "{% for i in range(99999) %}{{ 'x' * 1000 }}{% endfor %}", "chat template: it"},
		{"huge-replace", "{{ ('a' * 100000)|replace('a', 'b' * 100000) }}", "more than 16 MiB"},
		{"huge-indent", "{{ ('\n' * 100000)|indent('x' * 100000) }}", "more than 16 MiB"},
		{"huge-width", "{{ '%999999999d' % 1 }}", "a width of 999999999"},
		{"10-MB", strings.Repeat("x", 10<<20), "the template has 10485760 bytes; at most 1048576 are read"},
		{"deep-brackets", "{{ " + strings.Repeat("(", 10000) + "1" + strings.Repeat(")", 10000) + " }}", "nested deeper than 200"},
		{"deep-not", "{{ " + strings.Repeat("not ", 100000) + "x }}", "nested deeper than 200"},
		{"deep-sign", "{{ " + strings.Repeat("-", 100000) + "1 }}", "nested deeper than 200"},
		{"deep-blocks", strings.Repeat("{% if 1 %}", 100000), "nested deeper than 200"},
		{"deep-target", "{% for " + strings.Repeat("(", 10000) + "x" + strings.Repeat(")", 10000) + " in y %}", "nested deeper than 200"},
		{"namespace-in-itself", "{% set ns = namespace() %}{% set ns.x = [ns] %}{{ ns.x|tojson }}", "cannot be written as JSON"},
		{"set-on-text", "{% set s = 'a' %}{% set s.x = 1 %}", "s is not a namespace"},
		{"break-outside", "{% break %}", "break outside of a loop"},
		{"raise", "{{ raise_exception('Only two turns.') }}", "the model's chat template refuses this conversation: Only two turns."},
	} {
		t.Run(c.name, func(t *testing.T) {
			start := time.Now()
			_, err := render(c.source, nil)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if d := time.Since(start); d > 30*time.Second {
				t.Errorf("took %v", d)
			}
		})
	}
}

// TestSelfReference prints a value that holds itself without going round for ever.
func TestSelfReference(t *testing.T) {
	got, err := render("{% set ns = namespace() %}{% set ns.x = [ns] %}{{ ns.x }}{{ ns.x == ns.x }}", nil)
	if err != nil || got != "[<object>]True" {
		t.Errorf("got %q, %v", got, err)
	}
}

// TestFarNumbers: steps that would overflow end a range and a slice.
func TestFarNumbers(t *testing.T) {
	const most = "9223372036854775807"
	for source, want := range map[string]string{
		"{{ 'abcd'[1::" + most + "] }}":                                "b",
		"{{ 'abcd'[::-" + most + "] }}":                                "d",
		"{{ [1, 2, 3][1:" + most + ":2] }}":                            "[2]",
		"{{ range(9223372036854775806, " + most + ", 5) }}":            "[9223372036854775806]",
		"{{ range(-" + most + ", " + most + ", " + most + ") }}":       "[-" + most + ", 0]",
		"{{ range(" + most + ", -" + most + ", -" + most + ")|last }}": "0",
		"{{ range(3, 0, -2)|list }}{{ range(0, 3, -1)|list }}":         "[3, 1][]",
		"{{ ('a,' * 5).rsplit(',', 2) }}":                              "['a,a,a,a', 'a', '']",
	} {
		if got, err := render(source, nil); err != nil || got != want {
			t.Errorf("%s: %q, %v; want %q", source, got, err, want)
		}
	}
}

func TestGenerationSpans(t *testing.T) {
	source := "{% for m in m %}{% if m.role == 'user' %}U: {{ m.content }}\n{% else %}A: {% generation %}{{ m.content }}</s>{% endgeneration %}\n{% endif %}{% endfor %}"
	tmpl, err := Parse(source)
	if err != nil {
		t.Fatal(err)
	}
	r, err := tmpl.Render(map[string]any{"m": value(t, `[{"role":"user","content":"hi"},{"role":"assistant","content":"hö"},{"role":"assistant","content":"x"}]`)}, someDay)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range r.Generated {
		got = append(got, r.Text[s.Start:s.End])
	}
	if !tmpl.Generation || strings.Join(got, "|") != "hö</s>|x</s>" {
		t.Errorf("generated %q of %q", got, r.Text)
	}
}

func TestStrftime(t *testing.T) {
	got, err := render("{{ strftime_now('%d %b %Y, %A %H:%M:%S %j %% %-d %q') }}", nil)
	if want := "26 Jul 2024, Friday 09:05:00 208 % 26 %q"; err != nil || got != want {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
}

// TestStrftimeAtMidnight: a number without its leading zero is still one.
func TestStrftimeAtMidnight(t *testing.T) {
	at := time.Date(2005, 1, 5, 0, 0, 0, 0, time.UTC)
	if got := strftime("%-H:%-M %-j %-d %-y", at); got != "0:0 5 5 5" {
		t.Errorf("got %q", got)
	}
}

// TestLongMessages: a message is for reading.
func TestLongMessages(t *testing.T) {
	for _, source := range []string{"{{ raise_exception('é' * 100000) }}", "{{ ['x'].index('é' * 100000) }}", "{{ 1|batch('é' * 100000)|map('é' * 100000) }}"} {
		_, err := render(source, nil)
		if err == nil || len(err.Error()) > 700 || !utf8.ValidString(err.Error()) {
			t.Errorf("%s: %.700v", source, err)
		}
	}
}

func TestHints(t *testing.T) {
	for _, source := range []string{"{{", "{{ raise_exception('x') }}"} {
		_, err := render(source, nil)
		var hint interface{ Hint() string }
		if !errors.As(err, &hint) || hint.Hint() == "" {
			t.Errorf("%q: no hint in %v", source, err)
		}
	}
}

// FuzzRender: no template makes Parse or Render panic or run for ever.
func FuzzRender(f *testing.F) {
	var cases []string
	read(f, filepath.Join("testdata", "cases.json"), &cases)
	for _, source := range cases {
		f.Add(source)
	}
	paths, err := filepath.Glob(filepath.Join("..", "..", "..", "..", "shared", "data", "chat-templates-mistral", "v7*.jinja"))
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(data))
	}
	f.Fuzz(func(t *testing.T, source string) {
		messages := value(t, `[{"role":"user","content":"hi"},{"role":"assistant","content":"ho"}]`)
		r, err := render(source, map[string]any{"messages": messages, "m": messages, "s": "text", "n": int64(3), "d": value(t, `{"a":1}`)})
		if err == nil && len(r) > maxOutput {
			t.Fatalf("%d bytes", len(r))
		}
	})
}
