package hub

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// places is what the environment says: where the cache is, where the hub is, and who
// asks.
type places struct {
	cache    string
	endpoint string
	token    string
	offline  bool
}

const publicHub = "https://huggingface.co"

func readPlaces(env func(string) string) (places, error) {
	home := firstOf(expand(env("HF_HOME"), env), under(env("XDG_CACHE_HOME"), "huggingface"), under(env("HOME"), ".cache/huggingface"))
	cache := firstOf(expand(env("HF_HUB_CACHE"), env), expand(env("HUGGINGFACE_HUB_CACHE"), env), under(home, "hub"))
	if cache == "" {
		return places{}, refuse("HF_HUB_CACHE", "set HF_HOME or HOME", "there is no place for the cache")
	}
	p := places{
		cache:    cache,
		endpoint: strings.TrimRight(firstOf(env("HF_ENDPOINT"), publicHub), "/"),
		offline:  isOn(env("HF_HUB_OFFLINE")) || isOn(env("TRANSFORMERS_OFFLINE")),
	}
	u, err := url.Parse(p.endpoint)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return places{}, refuse("HF_ENDPOINT", "set it to a URL such as "+publicHub+", or unset it", "%q is no URL", p.endpoint)
	}
	if !isOn(env("HF_HUB_DISABLE_IMPLICIT_TOKEN")) {
		p.token, err = readToken(env, home)
	}
	return p, err
}

// readToken prefers the variable to the file that a login left.
func readToken(env func(string) string, home string) (string, error) {
	if token := firstOf(env("HF_TOKEN"), env("HUGGING_FACE_HUB_TOKEN")); strings.TrimSpace(token) != "" {
		return cleanToken("HF_TOKEN", token)
	}
	path := firstOf(expand(env("HF_TOKEN_PATH"), env), under(home, "token"))
	data, err := os.ReadFile(path)
	if os.IsNotExist(err) || path == "" {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read the hub's token: %w", err)
	}
	return cleanToken(path, string(data))
}

// cleanToken drops the end of line of a file; what a header cannot hold is refused,
// and never shown.
func cleanToken(where, token string) (string, error) {
	token = strings.TrimSpace(token)
	if strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", refuse(where, "log in again", "holds no token of the hub")
	}
	return token, nil
}

func firstOf(values ...string) string {
	i := slices.IndexFunc(values, func(v string) bool { return v != "" })
	if i < 0 {
		return ""
	}
	return values[i]
}

func under(dir, name string) string {
	if dir == "" {
		return ""
	}
	return filepath.Join(dir, name)
}

// expand replaces a leading ~.
func expand(path string, env func(string) string) string {
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		return under(env("HOME"), rest)
	}
	return path
}

func isOn(value string) bool {
	return slices.Contains([]string{"1", "ON", "YES", "TRUE"}, strings.ToUpper(value))
}
