package hub

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

func mustResolve(t *testing.T, f *fakeHub, cache, ref string, kind Kind, env ...string) Snapshot {
	t.Helper()
	s, _, err := f.resolve(cache, ref, kind, env...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// A model comes with config, tokenizer, licence and safetensors, never with pickles,
// in the layout that all tools share; asked again, nothing is downloaded.
func TestDownloadsAModel(t *testing.T) {
	f, cache := newFakeHub(t), t.TempDir()
	s, seen, err := f.resolve(cache, "org/name", Model)
	if err != nil {
		t.Fatal(err)
	}
	repo := filepath.Join(cache, "models--org--name")
	if s.Commit != commitA || s.Dir != filepath.Join(repo, "snapshots", commitA) {
		t.Errorf("%+v", s)
	}
	want := []string{"LICENSE", "config.json", "model.safetensors", "tokenizer.json"}
	if got := slices.Sorted(slices.Values(s.Files)); !slices.Equal(got, want) {
		t.Errorf("files %v", got)
	}
	weights := filepath.Join(s.Dir, "model.safetensors")
	if read(t, weights) != string(f.files[commitA]["model.safetensors"]) {
		t.Error("other weights")
	}
	if link, err := os.Readlink(weights); err != nil || !strings.HasPrefix(link, "../../blobs/") || len(link) != len("../../blobs/")+sha256Hex {
		t.Errorf("link %q, %v", link, err)
	}
	if got := read(t, filepath.Join(repo, "refs", "main")); got != commitA {
		t.Errorf("refs/main holds %q", got)
	}
	if last := seen[len(seen)-1]; last.Done != last.Total || last.Total != 4096*8+24 {
		t.Errorf("progress ends with %+v", last)
	}
	if f.count("pytorch_model") > 0 {
		t.Error("asked for a pickle")
	}
	before := f.count("resolve")
	mustResolve(t, f, cache, "org/name", Model)
	if f.count("resolve") != before {
		t.Error("downloaded again")
	}
}

// A commit that is in the cache is not asked after; a moved branch is followed.
func TestRevisions(t *testing.T) {
	f, cache := newFakeHub(t), t.TempDir()
	mustResolve(t, f, cache, "org/name", Model)
	before := f.count("")
	if s := mustResolve(t, f, cache, "org/name@"+commitA, Model); s.Commit != commitA || f.count("") != before {
		t.Errorf("%+v after %d requests", s, f.count("")-before)
	}
	f.files[commitB] = smallModel()
	f.refs["main"], f.refs["refs/pr/1"] = commitB, commitB
	if s := mustResolve(t, f, cache, "org/name", Model); s.Commit != commitB {
		t.Errorf("%+v", s)
	}
	if s := mustResolve(t, f, cache, "org/name@refs/pr/1", Model); s.Commit != commitB || f.count("revision/refs%2Fpr%2F1") != 1 {
		t.Errorf("%+v", s)
	}
	if got := read(t, filepath.Join(cache, "models--org--name", "refs", "refs", "pr", "1")); got != commitB {
		t.Errorf("ref holds %q", got)
	}
}

func TestOffline(t *testing.T) {
	f, cache := newFakeHub(t), t.TempDir()
	_, _, err := f.resolve(cache, "org/name", Model, "HF_HUB_OFFLINE", "1")
	checkInput(t, "empty cache", err, "org/name@main: is not in the cache")
	if entries, err := os.ReadDir(cache); err != nil || len(entries) != 0 {
		t.Errorf("looking left %v, %v", entries, err)
	}
	online := mustResolve(t, f, cache, "org/name", Model)
	before := f.count("")
	offline := mustResolve(t, f, cache, "org/name", Model, "HF_HUB_OFFLINE", "yes")
	if offline.Dir != online.Dir || f.count("") != before {
		t.Errorf("%+v after %d requests", offline, f.count("")-before)
	}
	if err := os.Remove(filepath.Join(online.Dir, "model.safetensors")); err != nil {
		t.Fatal(err)
	}
	_, _, err = f.resolve(cache, "org/name", Model, "HF_HUB_OFFLINE", "1")
	checkInput(t, "weights gone", err, "has no model.safetensors")
}

// When the hub is down, what is in the cache is used, and said so.
func TestHubDown(t *testing.T) {
	f, cache := newFakeHub(t), t.TempDir()
	mustResolve(t, f, cache, "org/name", Model)
	f.hub.Close()
	s, seen, err := f.resolve(cache, "org/name", Model)
	if err != nil || s.Commit != commitA || len(seen) != 1 || !strings.Contains(seen[0].Note, "using commit "+commitA) {
		t.Errorf("%+v, %v, %v", s, seen, err)
	}
	_, _, err = f.resolve(cache, "org/other", Model)
	var unreachable *UnreachableError
	if !errors.As(err, &unreachable) || unreachable.Hint() == "" || unreachable.Unwrap() == nil {
		t.Errorf("%v", err)
	}
}

func checkInput(t *testing.T, name string, err error, want string) {
	t.Helper()
	var refused *InputError
	if !errors.As(err, &refused) || !strings.Contains(err.Error()+"; "+refused.Hint(), want) || refused.Hint() == "" || strings.Contains(err.Error(), "\n") {
		t.Errorf("%s: %v, wanted %q", name, err, want)
	}
}

func TestRefusals(t *testing.T) {
	for name, bad := range map[string]struct {
		spoil func(f *fakeHub)
		ref   string
		kind  Kind
		env   []string
		want  string
	}{
		"gated":          {func(f *fakeHub) { f.gated = true }, "org/name", Model, nil, "org/name: is gated; accept its terms on its page"},
		"private":        {func(f *fakeHub) { f.token = "t" }, "org/name", Model, nil, "org/name: is no model that the hub shows; check the name; if it is private, set HF_TOKEN"},
		"bad-token":      {func(f *fakeHub) { f.token = "t" }, "org/name", Model, []string{"HF_TOKEN", "x"}, "does not accept the token"},
		"no-revision":    {func(*fakeHub) {}, "org/name@v9", Model, nil, `has no revision "v9"`},
		"pickles-alone":  {func(f *fakeHub) { delete(f.files[commitA], "model.safetensors") }, "org/name", Model, nil, "has its weights as pickles alone, which are never opened; convert it"},
		"no-config":      {func(f *fakeHub) { delete(f.files[commitA], "config.json") }, "org/name", Model, nil, "has no config.json"},
		"no-weights":     {func(f *fakeHub) { f.files[commitA] = map[string][]byte{"config.json": nil} }, "org/name", Model, nil, "has no model.safetensors"},
		"traversal":      {func(f *fakeHub) { f.extra = "../../evil" }, "org/name", Model, nil, `lists the file "../../evil", which lies outside its folder`},
		"absolute":       {func(f *fakeHub) { f.extra = "/etc/evil" }, "org/name", Model, nil, "which lies outside its folder"},
		"bad-index":      {func(f *fakeHub) { useIndex(f, `{"weight_map":{"a":"../evil.safetensors"}}`) }, "org/name", Model, nil, "outside the model's folder"},
		"missing-shard":  {func(f *fakeHub) { useIndex(f, `{"weight_map":{"a":"gone.safetensors"}}`) }, "org/name", Model, nil, "lacks a file that it lists"},
		"no-parquet":     {func(*fakeHub) {}, "org/name", Dataset, nil, "has no Parquet files; download its files"},
		"configurations": {func(f *fakeHub) { useData(f, "en/train.parquet", "fr/train.parquet") }, "org/name", Dataset, nil, "has several configurations: en, fr; name one, such as org/name/en"},
		"bad-name":       {func(*fakeHub) {}, "../../etc", Model, nil, "is no folder and no name of a model on the hub"},
		"bad-endpoint":   {func(*fakeHub) {}, "org/name", Model, []string{"HF_ENDPOINT", "hub"}, `"hub" is no URL`},
		"token-of-two":   {func(*fakeHub) {}, "org/name", Model, []string{"HF_TOKEN", "a\nb"}, "HF_TOKEN: holds no token"},
	} {
		f := newFakeHub(t)
		bad.spoil(f)
		_, _, err := f.resolve(t.TempDir(), bad.ref, bad.kind, bad.env...)
		checkInput(t, name, err, bad.want)
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: shows a signature: %v", name, err)
		}
	}
}

func useIndex(f *fakeHub, index string) {
	delete(f.files[commitA], "model.safetensors")
	f.files[commitA]["model.safetensors.index.json"] = []byte(index)
}

func useData(f *fakeHub, names ...string) {
	f.files[commitA] = map[string][]byte{"README.md": []byte("data")}
	for _, name := range names {
		f.files[commitA][name] = []byte("PAR1 " + name)
	}
}

func TestShards(t *testing.T) {
	f, cache := newFakeHub(t), t.TempDir()
	useIndex(f, `{"weight_map":{"a":"model-1.safetensors","b":"model-2.safetensors"}}`)
	f.files[commitA]["model-1.safetensors"], f.files[commitA]["model-2.safetensors"] = []byte("one"), []byte("two")
	s := mustResolve(t, f, cache, "org/name", Model)
	if !slices.Contains(s.Files, "model-2.safetensors") || read(t, filepath.Join(s.Dir, "model-2.safetensors")) != "two" {
		t.Errorf("%v", s.Files)
	}
	mustResolve(t, f, cache, "org/name", Model, "HF_HUB_OFFLINE", "1")
	if err := os.Remove(filepath.Join(s.Dir, "model-1.safetensors")); err != nil {
		t.Fatal(err)
	}
	_, _, err := f.resolve(cache, "org/name", Model, "HF_HUB_OFFLINE", "1")
	checkInput(t, "shard gone", err, "lacks model-1.safetensors in the cache")
}

// A download that breaks off goes on where it was, also in the next run.
func TestResume(t *testing.T) {
	f, cache := newFakeHub(t), t.TempDir()
	f.cut = 1
	mustResolve(t, f, cache, "org/name", Model)
	if f.count("bytes=16384-") != 2 { // the hub and the server behind it
		t.Errorf("%v", f.log)
	}
	f, cache = newFakeHub(t), t.TempDir()
	s := mustResolve(t, f, cache, "org/name", Model)
	blob, err := filepath.EvalSymlinks(filepath.Join(s.Dir, "model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	part := read(t, blob)[:1000]
	if err := errors.Join(os.Remove(blob), os.WriteFile(blob+".incomplete", []byte(part), 0o600)); err != nil {
		t.Fatal(err)
	}
	mustResolve(t, f, cache, "org/name", Model)
	if f.count("bytes=1000-") != 2 {
		t.Errorf("%v", f.log)
	}
}

// A rest of another file, a server without ranges, one that fails now and then, and a
// moved repository all end with the right file.
func TestRoughNetworks(t *testing.T) {
	for name, spoil := range map[string]func(f *fakeHub){
		"no ranges":       func(f *fakeHub) { f.noRange, f.cut = true, 2 },
		"service is away": func(f *fakeHub) { f.broken = 2 },
		"moved":           func(f *fakeHub) { f.moved = true },
		"token":           func(f *fakeHub) { f.token = "t" },
	} {
		f := newFakeHub(t)
		spoil(f)
		s := mustResolve(t, f, t.TempDir(), "org/name", Model, "HF_TOKEN", "t")
		if read(t, filepath.Join(s.Dir, "model.safetensors")) != string(f.files[commitA]["model.safetensors"]) {
			t.Errorf("%s: other weights", name)
		}
	}
}

func TestWrongRest(t *testing.T) {
	f, cache := newFakeHub(t), t.TempDir()
	s := mustResolve(t, f, cache, "org/name", Model)
	blob, err := filepath.EvalSymlinks(filepath.Join(s.Dir, "model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Remove(blob), os.WriteFile(blob+".incomplete", []byte("of another file"), 0o600)); err != nil {
		t.Fatal(err)
	}
	mustResolve(t, f, cache, "org/name", Model)
	if read(t, blob) != string(f.files[commitA]["model.safetensors"]) {
		t.Error("kept the wrong rest")
	}
}

// What does not have its hash never gets into the cache.
func TestBrokenServers(t *testing.T) {
	for want, spoil := range map[string]func(f *fakeHub){
		"model.safetensors of org/name has not the hash that the hub names": func(f *fakeHub) { f.corrupt = true },
		"answered with another part":                                        func(f *fakeHub) { f.wrongRange, f.cut = true, 1 },
		"does not answer: model.safetensors broke off":                      func(f *fakeHub) { f.cut, f.noRange = 1000, true; f.files[commitA]["model.safetensors"] = []byte("x") },
	} {
		f, cache := newFakeHub(t), t.TempDir()
		spoil(f)
		_, _, err := f.resolve(cache, "org/name", Model)
		var unreachable *UnreachableError
		if !errors.As(err, &unreachable) || !strings.Contains(err.Error(), want) || unreachable.Hint() == "" {
			t.Errorf("%v, wanted %q", err, want)
		}
		if _, err := os.Stat(filepath.Join(cache, "models--org--name", "snapshots", commitA, "model.safetensors")); err == nil {
			t.Errorf("%q: got into the cache", want)
		}
	}
}

func TestDatasets(t *testing.T) {
	f, cache := newFakeHub(t), t.TempDir()
	useData(f, "main/train-00000-of-00001.parquet", "main/test-00000-of-00001.parquet", "other/train-00000-of-00001.parquet")
	s := mustResolve(t, f, cache, "org/name/main", Dataset)
	if want := []string{"main/train-00000-of-00001.parquet"}; !slices.Equal(s.Files, want) {
		t.Errorf("%v", s.Files)
	}
	if got := read(t, filepath.Join(s.Dir, s.Files[0])); got != "PAR1 main/train-00000-of-00001.parquet" {
		t.Errorf("%q", got)
	}
	if want := []string{"main/test-00000-of-00001.parquet"}; !slices.Equal(s.Held, want) {
		t.Errorf("held out: %v", s.Held)
	}
	if f.count("HEAD /datasets/org/name/resolve/") != 2 {
		t.Errorf("%v", f.log)
	}
}

func TestHeldOut(t *testing.T) {
	for _, c := range []struct {
		subset      string
		names, want []string
	}{
		{"", []string{"train.parquet", "validation.parquet", "test.parquet"}, []string{"validation.parquet"}},
		{"", []string{"train.parquet", "test-1.parquet", "test-0.parquet", "test.csv"}, []string{"test-0.parquet", "test-1.parquet"}},
		{"en", []string{"en/train.parquet", "fr/dev.parquet", "en/dev.parquet"}, []string{"en/dev.parquet"}},
		{"", []string{"train.parquet", "protest.parquet"}, nil},
		{"", []string{"data.parquet"}, nil},
	} {
		train, err := chooseData(Ref{ID: "org/name", Kind: Dataset, Subset: c.subset}, c.names)
		if err != nil {
			t.Fatal(c.names, err)
		}
		if got := chooseHeld(train, c.names); !slices.Equal(got, c.want) {
			t.Errorf("%v holds out %v", c.names, got)
		}
	}
}

// A dataset in another format is taken in the form that the hub makes of it, online
// and then from the cache.
func TestConvertedDataset(t *testing.T) {
	f, cache := newFakeHub(t), t.TempDir()
	useData(f, "default/train/0000.parquet", "default/test/0000.parquet")
	f.files[commitB], f.refs[parquetRevision] = f.files[commitA], commitB
	f.files[commitA] = map[string][]byte{"data.jsonl": []byte("{}")}
	for _, offline := range []string{"0", "1"} {
		s := mustResolve(t, f, cache, "org/name", Dataset, "HF_HUB_OFFLINE", offline)
		if s.Commit != commitB || !slices.Equal(s.Files, []string{"default/train/0000.parquet"}) || !slices.Equal(s.Held, []string{"default/test/0000.parquet"}) {
			t.Errorf("%+v", s)
		}
	}
}

// Two at once download one file once.
func TestTwoAtOnce(t *testing.T) {
	f, cache := newFakeHub(t), t.TempDir()
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			if _, _, err := f.resolve(cache, "org/name", Model); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if n := f.count("GET /" + commitA + "/model.safetensors"); n != 1 {
		t.Errorf("downloaded %d times", n)
	}
}

func TestCancel(t *testing.T) {
	f := newFakeHub(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	env := map[string]string{"HF_HUB_CACHE": t.TempDir(), "HF_ENDPOINT": f.hub.URL}
	if _, err := Resolve(ctx, "org/name", Model, func(name string) string { return env[name] }, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestPlaces(t *testing.T) {
	home := t.TempDir()
	tokenFile := filepath.Join(home, "token")
	if err := os.WriteFile(tokenFile, []byte("from-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		env          map[string]string
		cache, token string
	}{
		"home":         {map[string]string{"HOME": "/h"}, "/h/.cache/huggingface/hub", ""},
		"xdg":          {map[string]string{"HOME": "/h", "XDG_CACHE_HOME": "/x"}, "/x/huggingface/hub", ""},
		"hf home":      {map[string]string{"HOME": "/h", "XDG_CACHE_HOME": "/x", "HF_HOME": "~/hf"}, "/h/hf/hub", ""},
		"cache":        {map[string]string{"HF_HOME": home, "HF_HUB_CACHE": "/c"}, "/c", "from-file"},
		"token":        {map[string]string{"HF_HOME": home, "HF_TOKEN": "t"}, filepath.Join(home, "hub"), "t"},
		"token path":   {map[string]string{"HF_HOME": "/h", "HF_TOKEN_PATH": tokenFile}, "/h/hub", "from-file"},
		"not implicit": {map[string]string{"HF_HOME": home, "HF_TOKEN": "t", "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1"}, filepath.Join(home, "hub"), ""},
	} {
		p, err := readPlaces(func(name string) string { return c.env[name] })
		if err != nil || p.cache != c.cache || p.token != c.token || p.endpoint != publicHub {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
	}
	_, err := readPlaces(func(string) string { return "" })
	checkInput(t, "no home", err, "there is no place for the cache")
}

// A reference that passes makes a folder's name and no path.
func FuzzParseRef(f *testing.F) {
	for _, text := range []string{"gpt2", "org/name", "org/name@refs/pr/1", "org/name/config@main", "../x", "a@..", "a/b/../c"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, kind := range []Kind{Model, Dataset} {
			ref, err := ParseRef(text, kind)
			if err != nil {
				continue
			}
			if name := ref.folder(); name != filepath.Base(name) || !filepath.IsLocal(ref.Revision) {
				t.Fatalf("%q makes the folder %q and the revision %q", text, name, ref.Revision)
			}
		}
	})
}
