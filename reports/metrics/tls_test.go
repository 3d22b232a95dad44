package metrics_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"ftadvise/reports/metrics"
)

// certified writes a certificate for 127.0.0.1 with its key, and a web configuration
// that names them.
func certified(t *testing.T) (config string, roots *x509.CertPool) {
	t.Helper()
	dir := t.TempDir()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})
	for name, content := range map[string][]byte{"server.crt": certPEM,
		"server.key": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}),
		"web.yml":    []byte("tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n")} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	roots = x509.NewCertPool()
	roots.AppendCertsFromPEM(certPEM)
	return filepath.Join(dir, "web.yml"), roots
}

func TestTLS(t *testing.T) {
	config, roots := certified(t)
	addr, cancel, done := serving(t, metrics.ServeOptions{WebConfig: config})
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}, Timeout: 5 * time.Second}
	resp, err := client.Get("https://" + addr + "/metrics")
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%v %v", resp, err)
	}
	_ = resp.Body.Close()
	if resp, err := http.Get("http://" + addr + "/metrics"); err == nil && resp.StatusCode == http.StatusOK {
		t.Error("metrics were given without TLS")
	}
	client.CloseIdleConnections()
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// A configuration that is broken while the server runs lets nobody in.
func TestBrokenWebConfigurationLetsNobodyIn(t *testing.T) {
	config := filepath.Join(t.TempDir(), "web.yml")
	if err := os.WriteFile(config, []byte("http_server_config: {http2: false}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	addr, cancel, _ := serving(t, metrics.ServeOptions{WebConfig: config})
	defer cancel()
	for _, c := range []struct {
		config string
		want   int
	}{{"http_server_config: {http2: false}\n", 200}, {"{{ not yaml", 500}} {
		if err := os.WriteFile(config, []byte(c.config), 0o600); err != nil {
			t.Fatal(err)
		}
		resp, err := http.Get("http://" + addr + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != c.want {
			t.Errorf("%q: %d, want %d", c.config, resp.StatusCode, c.want)
		}
	}
}

// A configuration that breaks between its check and its use is an error, and the
// address is free again.
func TestConfigurationThatBreaksAtOnce(t *testing.T) {
	config := filepath.Join(t.TempDir(), "web.yml")
	if err := os.WriteFile(config, []byte("http_server_config: {http2: false}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var addr string
	err := metrics.NewExporter(nil, metrics.Options{}).Serve(t.Context(), "127.0.0.1:0", metrics.ServeOptions{WebConfig: config,
		Listening: func(a string) {
			addr = a
			if err := os.WriteFile(config, []byte("{{ not yaml"), 0o600); err != nil {
				t.Error(err)
			}
		}})
	var refused *metrics.ListenError
	if !errors.As(err, &refused) {
		t.Fatalf("%v", err)
	}
	again, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatalf("the address is still held: %v", err)
	}
	_ = again.Close()
}
